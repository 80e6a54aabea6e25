//! Arguments, whose neighbours say what they are.

use std::borrow::Cow;

use super::names::{self, Sense};
use super::opaque::looks_like_credentials;
use super::values::{is_flag, is_pair};
use super::{REDACTED, redact};

/// The arguments of a command with every credential replaced by [`REDACTED`].
///
/// Beside what [`redact`](super::redact()) finds in each alone, it knows what one argument says about the next:
/// `--token VALUE`, `-u user:password`, `set db.password VALUE`, `Authorization: Bearer VALUE`.
///
/// ```
/// use telemetry::redact::redact_args;
/// let args = ["login", "--user", "bob", "--password", "hunter2", "--verbose"];
/// let clean: Vec<_> = redact_args(args).collect();
/// assert_eq!(clean, ["login", "--user", "bob", "--password", "[redacted]", "--verbose"]);
/// ```
pub fn redact_args<'a, I>(args: I) -> impl Iterator<Item = Cow<'a, str>>
where
    I: IntoIterator<Item = &'a str>,
{
    let mut expected = Expected::Anything;
    args.into_iter().map(move |arg| {
        let before = std::mem::replace(&mut expected, Expected::Anything);
        expected = Expected::after(arg, before);
        let clean = redact(arg);
        // An argument in which a credential was found has said what it is.
        let found = clean != arg || arg.contains(REDACTED);
        if arg.is_empty() || !before.fits(arg) || before == Expected::Credential && found {
            return clean;
        }
        Cow::Borrowed(REDACTED)
    })
}

/// What the argument before says about the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Anything,
    /// A secret, whatever it looks like.
    Secret,
    /// A secret if it looks like one.
    Credential,
    /// A name and a password.
    Pair,
}

impl Expected {
    fn fits(self, arg: &str) -> bool {
        let bytes = arg.as_bytes();
        match self {
            Self::Anything => false,
            Self::Secret => !is_flag(bytes) && !names::is_plain(bytes, false) && !is_scheme(arg),
            Self::Credential => looks_like_credentials(bytes) && !is_flag(bytes),
            Self::Pair => is_pair(bytes),
        }
    }

    fn after(arg: &str, before: Self) -> Self {
        let bytes = arg.as_bytes();
        if matches!(arg, "-u" | "-U" | "--user" | "--proxy-user") {
            return Self::Pair;
        }
        if is_scheme(arg) {
            return if before == Self::Secret { Self::Secret } else { Self::Credential };
        }
        let (name, colon) = match bytes {
            [name @ .., b':' | b'='] => (name, true),
            name => (name, false),
        };
        let Some(found) = names::ending_at(name, name.len()) else { return Self::Anything };
        let dashes = name.iter().take_while(|byte| **byte == b'-').count();
        // The name must be the whole argument: `the-token` is one, `x=the-token` is not.
        if found.from != dashes || arg.starts_with("--no-") || found.sense == Sense::Plural {
            return Self::Anything;
        }
        if colon || (1..=2).contains(&dashes) || dashes == 0 && found.compound {
            Self::Secret
        } else {
            Self::Credential
        }
    }
}

fn is_scheme(arg: &str) -> bool {
    ["bearer", "basic", "token"].iter().any(|scheme| scheme.eq_ignore_ascii_case(arg))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(args: &[&str]) -> String {
        redact_args(args.iter().copied()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_a_secret_flag_or_name_introduces_goes() {
        for (args, clean) in [
            (&["login", "--token", "abc"][..], "login --token [redacted]"),
            (&["login", "-password", "abc"], "login -password [redacted]"),
            (&["login", "--token", "-abc1"], "login --token [redacted]"),
            (&["login", "--token=abc", "x"], "login --token=[redacted] x"),
            (&["curl", "-u", "bob:hunter2", "x"], "curl -u [redacted] x"),
            (&["curl", "--proxy-user", "bob:hunter2"], "curl --proxy-user [redacted]"),
            (&["curl", "-H", "X-Api-Key: abc"], "curl -H X-Api-Key: [redacted]"),
            (&["curl", "Authorization:", "Bearer", "abc"], "curl Authorization: Bearer [redacted]"),
            (&["config", "set", "db.password", "abc"], "config set db.password [redacted]"),
            (&["configure", "aws_secret_access_key", "a/b+c"], "configure aws_secret_access_key [redacted]"),
            (&["login", "token", "abc123def"], "login token [redacted]"),
            (&["run", "-e", "PGPASSWORD=abc", "image"], "run -e PGPASSWORD=[redacted] image"),
        ] {
            assert_eq!(redacted(args), clean);
        }
    }

    #[test]
    fn what_only_stands_beside_a_name_stays() {
        for args in [
            &["token", "list"][..],
            &["secret", "create", "--name", "db"],
            &["login", "--password-stdin", "bob"],
            &["login", "--token", "--verbose"],
            &["login", "--token", "-v"],
            &["run", "--no-auth", "image"],
            &["run", "-u", "1000:1000", "image"],
            &["run", "--user", "bob", "image"],
            &["config", "set", "token_type", "bearer"],
            &["--password", "[redacted]", "x"],
            &["--token", ""],
        ] {
            assert_eq!(redacted(args), args.join(" "));
        }
    }
}
