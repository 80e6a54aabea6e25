//! Which headers a component may set: none that change where a request goes, how it is framed, or who it
//! is from.

/// Set by the host, or about the connection. `_` counts as `-`: gateways turn one into the other.
const FORBIDDEN: [&str; 38] = [
    "accept-encoding",
    "alt-used",
    "cf-connecting-ip",
    "client-ip",
    "connection",
    "content-encoding",
    "content-length",
    "content-transfer-encoding",
    "expect",
    "fastly-client-ip",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "proxy",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn check_name(name: &str) -> Result<String, String> {
    if name.is_empty() || name.len() > 128 || !name.bytes().all(is_token) {
        return Err(format!("`{}` is not the name of a header", crate::text::tidy(name, 60)));
    }
    let name = name.to_ascii_lowercase();
    let folded = name.replace('_', "-");
    if FORBIDDEN.contains(&folded.as_str()) || folded.starts_with("x-forwarded-") {
        return Err(format!("the header `{name}` is the host's to set"));
    }
    Ok(name)
}

/// Whether a credential may be placed in the header of this name.
pub(crate) fn check_credential_name(name: &str) -> Result<(), String> {
    check_name(name).map(|_| ())
}

/// Visible ASCII with spaces and tabs inside: everything else is a way to begin a second header.
pub(crate) fn check_value(value: &str) -> Result<(), String> {
    if value.bytes().any(|b| !(b == b'\t' || (0x20..0x7f).contains(&b))) {
        return Err("a header's value may hold visible ASCII characters, spaces and tabs only".to_owned());
    }
    if value != value.trim_matches([' ', '\t']) {
        return Err("a header's value must not begin or end with a space".to_owned());
    }
    Ok(())
}

/// Checks one header of a component's; the name comes back in lower case.
pub(crate) fn check(name: &str, value: &str, credential_header: Option<&str>) -> Result<String, String> {
    let name = check_name(name)?;
    check_value(value).map_err(|why| format!("`{name}`: {why}"))?;
    let folded = name.replace('_', "-");
    if credential_header.is_some_and(|credential| folded.eq_ignore_ascii_case(&credential.replace('_', "-")))
    {
        return Err(format!("the header `{name}` is the endpoint's credential; the host adds it"));
    }
    Ok(name)
}
