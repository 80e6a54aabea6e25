"""Sends the entries on stdin with Datadog's official client to a loopback server, and prints the
request that arrived."""

import gzip
import http.server
import json
import socket
import sys
import threading

from datadog_api_client import ApiClient, Configuration
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.model.content_encoding import ContentEncoding
from datadog_api_client.v2.model.http_log import HTTPLog
from datadog_api_client.v2.model.http_log_item import HTTPLogItem

resolve = socket.getaddrinfo


def loopback_only(host, *rest, **named):
    """Nothing of a test may reach the vendor, whatever the client's defaults are."""
    assert host == "127.0.0.1", host
    return resolve(host, *rest, **named)


socket.getaddrinfo = loopback_only
arrived = {}


class Intake(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        arrived["path"] = self.path
        arrived["headers"] = {name.lower(): value for name, value in self.headers.items()}
        arrived["body"] = json.loads(body)
        self.send_response(202)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Intake)
threading.Thread(target=server.serve_forever, daemon=True).start()

configuration = Configuration(
    api_key={"apiKeyAuth": "test-key"},
    server_index=1,
    server_variables={"protocol": "http", "name": f"127.0.0.1:{server.server_port}"},
)
entries = HTTPLog([HTTPLogItem(**entry) for entry in json.load(sys.stdin)])
with ApiClient(configuration) as client:
    LogsApi(client).submit_log(entries, content_encoding=ContentEncoding.GZIP)
json.dump(arrived, sys.stdout)
