//! Answers: retry-after, echoes of a credential, bombs.

use std::io::Write;
use std::time::{Duration, SystemTime};

use super::answer::{Answer, parse_retry_after};
use super::coding::{Coding, DecodeError, decode, encode};
use super::grant::{Credential, Placement};
use super::secret::Secret;

#[test]
fn retry_after_is_read_in_both_forms_and_never_believed_without_bound() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let year = Duration::from_secs(366 * 86_400);
    for (text, expected) in [
        ("0", Some(Duration::ZERO)),
        ("120", Some(Duration::from_secs(120))),
        (" 7 ", Some(Duration::from_secs(7))),
        ("1.5", Some(Duration::from_millis(1_500))),
        ("99999999999", Some(year)),
        ("99999999999999999999999999", Some(year)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", Some(Duration::from_secs(60))),
        ("Sunday, 06-Nov-94 08:50:37 GMT", Some(Duration::from_secs(60))),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(Duration::ZERO)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(year)),
        ("", None),
        ("-1", None),
        ("+5", None),
        ("1e9", None),
        ("NaN", None),
        ("inf", None),
        ("1.", None),
        ("soon", None),
        ("\u{661}", None),
    ] {
        assert_eq!(parse_retry_after(text, now), expected, "{text:?}");
    }
}

#[test]
fn a_server_that_echoes_the_credential_does_not_tell_the_component() {
    let secret = "s3cr3t/\"key\"+1";
    let credential =
        Credential { placement: Placement::Basic { user: "u".into() }, secret: Secret::new(secret) };
    let body = format!(
        "{secret} {} {} s3cr3t%2F%22key%22%2B1 s3cr3t%2f%22key%22%2b1 s3cr3t/\\\"key\\\"+1 rest",
        "dTpzM2NyM3QvImtleSIrMQ==", "czNjcjN0LyJrZXkiKzE=",
    );
    let answer =
        Answer { status: 200, headers: vec![("x-echo".into(), secret.into())], body: body.into_bytes() };
    let answer = answer.without(Some(&credential));
    assert_eq!(String::from_utf8(answer.body).unwrap(), "*** *** *** *** *** *** rest");
    assert_eq!(answer.headers, [("x-echo".to_owned(), "***".to_owned())]);
}

#[test]
fn a_credential_is_taken_out_however_the_server_writes_it() {
    let told = |placement: Placement, secret: &str, written: &str| {
        let credential = Credential { placement, secret: Secret::new(secret) };
        let body = format!("<{written}>").into_bytes();
        let answer = Answer { status: 200, headers: Vec::new(), body }.without(Some(&credential));
        String::from_utf8(answer.body).unwrap()
    };
    let secret = "S3cret/a+b=<c>&\"d\" 'e'";
    for written in [
        secret,
        // JSON: as little as must be, PHP's, .NET's, Go's.
        r#"S3cret/a+b=<c>&\"d\" 'e'"#,
        r#"S3cret\/a+b=<c>&\"d\" 'e'"#,
        r#"S3cret/a\u002Bb=\u003Cc\u003E\u0026\u0022d\u0022 \u0027e\u0027"#,
        r#"S3cret/a+b=\u003cc\u003e\u0026\"d\" 'e'"#,
        r#"S3cret/a+b=\u003Cc\u003E\u0026\"d\" 'e'"#,
        // HTML: quotes as they are, and of Go, PHP and Python.
        "S3cret/a+b=&lt;c&gt;&amp;\"d\" 'e'",
        "S3cret/a+b=&lt;c&gt;&amp;&#34;d&#34; &#39;e&#39;",
        "S3cret/a+b=&lt;c&gt;&amp;&quot;d&quot; &#039;e&#039;",
        "S3cret/a+b=&lt;c&gt;&amp;&quot;d&quot; &#x27;e&#x27;",
        // Percent signs: digits of both sorts, and a space as in a form.
        "S3cret%2Fa%2Bb%3D%3Cc%3E%26%22d%22%20%27e%27",
        "S3cret%2fa%2bb%3d%3cc%3e%26%22d%22%20%27e%27",
        "S3cret%2Fa%2Bb%3D%3Cc%3E%26%22d%22+%27e%27",
    ] {
        assert_eq!(told(Placement::Bearer, secret, written), "<***>", "{written}");
    }
    // Both alphabets of base64, padded and not.
    for written in ["c2U+c2U/c2U+cw==", "c2U+c2U/c2U+cw", "c2U-c2U_c2U-cw==", "c2U-c2U_c2U-cw"] {
        assert_eq!(told(Placement::Path, "se>se?se>s", written), "<***>", "{written}");
    }
    let basic = || Placement::Basic { user: "u".into() };
    for written in ["dTpzZX5zZT9zZT5zcw==", "dTpzZX5zZT9zZT5zcw"] {
        assert_eq!(told(basic(), "se~se?se>ss", written), "<***>", "{written}");
    }
    // Beyond ASCII, which not every writer of JSON keeps as it is.
    for written in ["schlüssel😀", "schl\\u00fcssel\\ud83d\\ude00", "schl\\u00FCssel\\uD83D\\uDE00"] {
        assert_eq!(told(basic(), "schlüssel😀", written), "<***>", "{written}");
    }
}

#[test]
fn a_bomb_is_read_to_its_limit_and_no_further() {
    for coding in [Coding::Gzip, Coding::Deflate] {
        let bomb = encode(coding, &vec![0; 50 << 20]).unwrap();
        assert!(bomb.len() < 100 << 10);
        assert_eq!(decode(coding.name(), bomb.clone(), 1 << 20), Err(DecodeError::TooLarge));
        let inner = encode(Coding::Gzip, &bomb).unwrap();
        assert_eq!(decode(&format!("{}, gzip", coding.name()), inner, 1 << 20), Err(DecodeError::TooLarge));
    }
}

#[test]
fn codings_are_undone_in_order_and_broken_ones_are_an_error() {
    let gzip = encode(Coding::Gzip, b"hello").unwrap();
    assert_eq!(decode("gzip", gzip.clone(), 100).unwrap(), b"hello");
    assert_eq!(decode("", b"plain".to_vec(), 100).unwrap(), b"plain");
    assert_eq!(decode("identity", b"plain".to_vec(), 100).unwrap(), b"plain");
    assert_eq!(decode("gzip", Vec::new(), 100).unwrap(), b"", "an empty answer may carry the header");
    assert_eq!(decode("", vec![0; 101], 100), Err(DecodeError::TooLarge));
    assert_eq!(decode("br", b"x".to_vec(), 100), Err(DecodeError::Unknown("br".into())));
    for cut in 1..gzip.len() {
        assert!(matches!(decode("gzip", gzip[..cut].to_vec(), 100), Err(DecodeError::Broken(_))), "{cut}");
    }
    assert!(decode("gzip, gzip, gzip", gzip, 100).is_err());
    let mut two = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    two.write_all(b"a").unwrap();
    let one = two.finish().unwrap();
    assert_eq!(decode("gzip", [one.clone(), one].concat(), 100).unwrap(), b"aa", "members are joined");
}
