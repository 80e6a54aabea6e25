//! A request to erase as an e-mail that the user sends: a `mailto:` link with every part escaped.
//!
//! Hazard: an address with a line's end in it would add headers, and one with `?` or `&` would add
//! fields to the link. The first is refused, the second escaped.

use std::fmt::Write;

/// Why this is no address for a request to erase, if it is none.
pub(crate) fn problem(address: &str) -> Option<&'static str> {
    if address.chars().any(char::is_control) {
        return Some("has a control character");
    }
    let parts = address.rsplit_once('@');
    let fits = parts.is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !address.chars().any(char::is_whitespace)
    });
    (!fits || address.len() > 254).then_some("is not an address")
}

/// A message that is ready to be sent by hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) body: String,
}

impl Mail {
    /// The request for these ids; none where the address is none.
    pub(crate) fn new(to: &str, tool: &str, ids: &[String]) -> Option<Self> {
        if problem(to).is_some() {
            return None;
        }
        let tool: String = tool.chars().filter(|c| !c.is_control()).collect();
        let mut body =
            format!("Please erase the usage data that {tool} sent under these machine ids:\r\n\r\n");
        for id in ids {
            let _ = write!(body, "{id}\r\n");
        }
        Some(Self { to: to.to_owned(), subject: format!("Erasure of usage data of {tool}"), body })
    }

    /// The link that a mail program opens (RFC 6068).
    pub(crate) fn link(&self) -> String {
        let mut link = String::from("mailto:");
        escape(&self.to, "@", &mut link);
        link.push_str("?subject=");
        escape(&self.subject, "", &mut link);
        link.push_str("&body=");
        escape(&self.body, "", &mut link);
        link
    }

    /// Opens the user's mail program on it; says whether that was started.
    pub(crate) fn open(&self) -> bool {
        #[cfg(feature = "mail")]
        {
            open::that_detached(self.link()).is_ok()
        }
        #[cfg(not(feature = "mail"))]
        false
    }
}

/// Escapes everything but what every reader takes for itself.
fn escape(text: &str, also: &str, to: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.as_bytes().contains(&byte) {
            to.push(char::from(byte));
        } else {
            let _ = write!(to, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_link_is_escaped() {
        let ids = ["0123456789abcdef".to_owned(), "a&b=c?d#e%".to_owned()];
        let mail = Mail::new("privacy+x&cc=evil@example.com", "greet & co?", &ids).unwrap();
        assert_eq!(
            mail.link(),
            "mailto:privacy%2Bx%26cc%3Devil@example.com?subject=Erasure%20of%20usage%20data%20of%20greet%20%26%20co%3F\
             &body=Please%20erase%20the%20usage%20data%20that%20greet%20%26%20co%3F%20sent%20under%20these%20machine%20ids%3A\
             %0D%0A%0D%0A0123456789abcdef%0D%0Aa%26b%3Dc%3Fd%23e%25%0D%0A"
        );
        // One `?`, and a `&` only between subject and body.
        assert_eq!((mail.link().matches('?').count(), mail.link().matches('&').count()), (1, 1));
    }

    #[test]
    fn control_characters_and_what_is_no_address_are_refused() {
        for bad in ["a@b\r\nbcc: c@d", "a@b\n", "a\0@b", "a\u{85}@b", "a@b\u{7f}"] {
            assert_eq!(problem(bad), Some("has a control character"), "{bad:?}");
            assert!(Mail::new(bad, "greet", &[]).is_none());
        }
        for bad in
            ["", "privacy", "@example.com", "privacy@", "a b@example.com", &format!("{}@b", "a".repeat(300))]
        {
            assert_eq!(problem(bad), Some("is not an address"), "{bad:?}");
        }
        assert_eq!(problem("privacy@example.com"), None);
    }

    #[test]
    fn a_tools_name_adds_no_header() {
        let mail = Mail::new("p@example.com", "greet\r\nbcc: x@y", &[]).unwrap();
        assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
    }
}
