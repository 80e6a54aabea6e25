"""A collector made of OpenTelemetry's official Python messages: it reads a logs request in either
encoding, keeps all records but the last, and says so as a partial success in the same encoding. Prints
its port, then each request as the protocol's JSON on a line."""

import gzip
import http.server
import json

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        encoding = self.headers["content-type"]
        request = ExportLogsServiceRequest()
        if encoding == "application/json":
            json_format.Parse(body, request)
        else:
            request.ParseFromString(body)
        print(json.dumps(json_format.MessageToDict(request)), flush=True)
        response = ExportLogsServiceResponse()
        response.partial_success.rejected_log_records = 1
        response.partial_success.error_message = "the last record is refused"
        if encoding == "application/json":
            answer = json_format.MessageToJson(response).encode()
        else:
            answer = response.SerializeToString()
        self.send_response(200)
        self.send_header("content-type", encoding)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
print(server.server_port, flush=True)
server.serve_forever()
