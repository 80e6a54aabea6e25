"""The gRPC half of Datadog's test agent behind OTLP/HTTP: requests go to it as bytes and its answers come back
as bytes, so that nothing here reads or writes a message. The HTTP half that it hands records on to does not
listen, so it answers a partial success. Prints its port."""

import asyncio
import gzip
import http.server
import socket
import sys
import threading

import grpc
from ddapm_test_agent.logs import OTLPLogsGRPCServicer
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import add_LogsServiceServicer_to_server

EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


def nobody():
    """A port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


listening = threading.Event()
agent = {}


async def serve():
    server = grpc.aio.server()
    add_LogsServiceServicer_to_server(OTLPLogsGRPCServicer(nobody()), server)
    agent["port"] = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    listening.set()
    await server.wait_for_termination()


threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
if not listening.wait(60):
    sys.exit("the agent does not listen")
channel = grpc.insecure_channel(f"127.0.0.1:{agent['port']}")
# Without serializers bytes are sent and bytes come back.
export = channel.unary_unary(EXPORT)


class Door(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        answer = export(body, wait_for_ready=True, timeout=60)
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Door)
print(server.server_port, flush=True)
server.serve_forever()
