//! OpenTelemetry's official Python messages read both encodings and find the same in them.

#[path = "../../sdk/tests/support/official.rs"]
mod official;

use serde_json::{Value as Json, json};
use telemetry_backend_otlp::Otlp;
use telemetry_backend_sdk::testing::{self, Script, answer, batch, command, everything};
use telemetry_backend_sdk::{Backend, Outcome};

fn sent(protocol: &str) -> Vec<u8> {
    let settings = format!(r#"{{"protocol": "{protocol}"}}"#);
    let backend: Otlp = testing::configure(&settings).expect("the settings are right");
    let mut vendor = Script::once(answer(200));
    let events = batch(vec![command("build"), everything()]);
    assert_eq!(backend.send(&events, &testing::context(), &mut vendor), Outcome::Delivered);
    vendor.requests.remove(0).body.as_bytes().to_vec()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[test]
fn the_official_messages_find_the_same_in_both_encodings() {
    let json = String::from_utf8(sent("http/json")).expect("is text");
    let input = json!({"json": json, "protobuf": base64(&sent("http/protobuf"))}).to_string();
    let Some(theirs) = official::run(
        "official.py",
        "opentelemetry.proto.collector.logs.v1.logs_service_pb2",
        input.as_bytes(),
    ) else {
        return;
    };
    let theirs: Json = serde_json::from_str(&theirs).expect("the script writes JSON");
    assert_eq!(theirs["same"], true);
    let logs = &theirs["message"]["resourceLogs"][0];
    let record = &logs["scopeLogs"][0]["logRecords"][1];
    assert_eq!(record["timeUnixNano"], "1785585600123456789");
    assert_eq!(record["eventName"], "command.invocation");
    assert_eq!(record["severityNumber"], 9);
    assert_eq!(record["body"], json!({"stringValue": "remote/add"}));
    let find = |attributes: &Json, key: &str| {
        let found = attributes.as_array().expect("is a list").iter().find(|it| it["key"] == key);
        found.map(|it| it["value"].clone())
    };
    assert_eq!(find(&record["attributes"], "command.exit_code"), Some(json!({"intValue": "3"})));
    assert_eq!(find(&record["attributes"], "ratio"), Some(json!({"doubleValue": 0.25})));
    assert_eq!(find(&logs["resource"]["attributes"], "service.name"), Some(json!({"stringValue": "greet"})));
}
