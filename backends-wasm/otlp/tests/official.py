"""Reads both encodings of a request with OpenTelemetry's official Python messages, and prints each as
the protocol's JSON. Input: a JSON object with the JSON encoding, and the protobuf encoding in base64."""

import base64
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

given = json.load(sys.stdin)
from_json = json_format.Parse(given["json"], ExportLogsServiceRequest(), ignore_unknown_fields=True)
from_protobuf = ExportLogsServiceRequest.FromString(base64.b64decode(given["protobuf"]))
json.dump(
    {
        "same": from_json == from_protobuf,
        "message": json.loads(json_format.MessageToJson(from_protobuf, use_integers_for_enums=True)),
    },
    sys.stdout,
)
