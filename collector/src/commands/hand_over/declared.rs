//! What a tool can record, on its way to the helper: only the tool has it linked.
//!
//! Words, each with a NUL after it; both programs are of one release of the library, or the helper takes nothing.

use crate::event::{Attribute, Value};
use crate::schema::{Choice, Class, Entry, Field, Source};

/// Whoever changes what follows changes this.
const FORM: &str = concat!("declared 1 ", env!("CARGO_PKG_VERSION"));

/// What was declared in another program.
#[derive(Default)]
pub(crate) struct Declared {
    pub(crate) entries: Vec<&'static Entry>,
    pub(crate) choices: Vec<&'static Choice>,
    pub(crate) metadata: Vec<Attribute<'static>>,
}

/// What is declared in this program, and what it says with every event.
pub(crate) fn written(metadata: &[Attribute<'_>]) -> String {
    let mut words = Words(String::new());
    words.word(FORM);
    for it in inventory::iter::<Entry> {
        for word in ["entry", it.kind, it.name, it.about, it.purpose, truth(it.extended)] {
            words.word(word);
        }
        for it in it.fields {
            let (source, class) = (source(it.source), it.class.map_or("", Class::as_str));
            for word in ["field", it.key, source, it.written, it.about, it.purpose, class, truth(it.extended)]
            {
                words.word(word);
            }
        }
        words.word("end");
    }
    for it in inventory::iter::<Choice> {
        for word in ["choice", it.name, it.about].iter().chain(it.cases) {
            words.word(word);
        }
        words.word("");
    }
    for it in metadata {
        let (of, value): (_, std::borrow::Cow<'_, str>) = match &it.value {
            Value::Text(it) => ("text", it.as_ref().into()),
            Value::Declared(it) => ("declared", (*it).into()),
            Value::Integer(it) => ("integer", it.to_string().into()),
            // By its bits, which come back as they were.
            Value::Number(it) => ("number", it.to_bits().to_string().into()),
            Value::Boolean(it) => ("boolean", truth(*it).into()),
        };
        for word in ["metadata", &*it.key, of, &*value] {
            words.word(word);
        }
    }
    words.0
}

struct Words(String);

impl Words {
    fn word(&mut self, word: &str) {
        self.0.extend(word.chars().filter(|c| *c != '\0'));
        self.0.push('\0');
    }
}

const fn truth(it: bool) -> &'static str {
    if it { "true" } else { "false" }
}

const fn source(it: Source) -> &'static str {
    match it {
        Source::Metadata => "metadata",
        Source::Value => "value",
        Source::Text => "text",
    }
}

/// Reads it back; none where another release wrote it, or it was cut off. What is read lives as long as the process,
/// which ends with the subcommand.
pub(crate) fn read(text: String) -> Option<Declared> {
    let text: &'static str = text.leak();
    let mut words = text.strip_suffix('\0')?.split('\0');
    if words.next()? != FORM {
        return None;
    }
    let mut declared = Declared::default();
    while let Some(word) = words.next() {
        match word {
            "entry" => {
                let (kind, name, about) = (words.next()?, words.next()?, words.next()?);
                let (purpose, extended) = (words.next()?, words.next()? == "true");
                let mut fields = Vec::new();
                while words.next()? == "field" {
                    fields.push(field(&mut words)?);
                }
                let entry = Entry { kind, name, about, purpose, extended, fields: fields.leak() };
                declared.entries.push(Box::leak(Box::new(entry)));
            }
            "choice" => {
                let (name, about) = (words.next()?, words.next()?);
                let mut cases = Vec::new();
                loop {
                    match words.next()? {
                        "" => break,
                        case => cases.push(case),
                    }
                }
                declared.choices.push(Box::leak(Box::new(Choice { name, about, cases: cases.leak() })));
            }
            "metadata" => {
                let (key, of, value) = (words.next()?, words.next()?, words.next()?);
                let value = match of {
                    "text" => Value::Text(value.into()),
                    "declared" => Value::Declared(value),
                    "integer" => Value::Integer(value.parse().ok()?),
                    "number" => Value::Number(f64::from_bits(value.parse().ok()?)),
                    _ => Value::Boolean(value == "true"),
                };
                declared.metadata.push(Attribute::new(key, value));
            }
            _ => return None,
        }
    }
    Some(declared)
}

fn field(words: &mut impl Iterator<Item = &'static str>) -> Option<Field> {
    let (key, source, written) = (words.next()?, words.next()?, words.next()?);
    let source =
        [Source::Metadata, Source::Value, Source::Text].into_iter().find(|it| self::source(*it) == source)?;
    let (about, purpose, class) = (words.next()?, words.next()?, words.next()?);
    let class = Class::ALL.into_iter().find(|it| it.as_str() == class);
    Some(Field { key, source, written, about, purpose, class, extended: words.next()? == "true" })
}

#[cfg(test)]
mod tests {
    use super::*;

    inventory::submit! {
        Entry::event(
            "handed.over",
            "all",
            "Everything.",
            "To have it again.",
            true,
            &[
                Field::metadata("a", "a()"),
                Field::text("b", "&str"),
                Field::declared("c", "Option<Case>", false, "It.", "Why.", Class::Diagnostic, true),
            ],
        )
    }
    inventory::submit! { Choice::new("Case", "A case.", &["one", "two"]) }

    #[test]
    fn what_is_declared_comes_back_as_it_was() {
        let metadata = [
            Attribute::new("edition", "community"),
            Attribute::new("seats", -3),
            Attribute::new("share", 0.1),
            Attribute::new("trial", true),
        ];
        let declared = read(written(&metadata)).expect("it is whole");
        let sorted = |mut all: Vec<String>| {
            all.sort();
            all
        };
        let entries = inventory::iter::<Entry>.into_iter().map(|it| format!("{it:?}")).collect();
        assert_eq!(sorted(declared.entries.iter().map(|it| format!("{it:?}")).collect()), sorted(entries));
        let choices = inventory::iter::<Choice>.into_iter().map(|it| format!("{it:?}")).collect();
        assert_eq!(sorted(declared.choices.iter().map(|it| format!("{it:?}")).collect()), sorted(choices));
        assert_eq!(declared.metadata, metadata);
    }

    #[test]
    fn what_another_release_wrote_or_what_was_cut_off_is_not_taken() {
        let whole = written(&[]);
        assert!(read(whole.replacen("declared 1", "declared 2", 1)).is_none());
        assert!(read(whole[..whole.len() - 1].to_owned()).is_none());
        assert!(read(String::new()).is_none());
    }
}
