//! The script of faults: TOML in, checked rules out. Whatever is not understood is an error with its line.

use std::num::NonZeroU64;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected};
use toml::Spanned;

use super::action::{Action, Change, Offset, Parting, When};
use super::measure::{Place, Size, Time};
use crate::route::Operation;

/// Rules by which a server misbehaves; the default has none. The README of the crate describes the language.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub(super) rules: Vec<Rule>,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The first field or value that is not understood, by name and line.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let file: File = toml::from_str(text).map_err(|error| ScriptError {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            message: error.message().trim_end().to_owned(),
        })?;
        let rules = file.fault.into_iter().enumerate().map(|(index, raw)| {
            let line = line_of(text, raw.span().start);
            raw.into_inner().check(index + 1).map_err(|message| ScriptError { line, message })
        });
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }

    /// How many rules it has.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether it has no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// What is wrong with a script, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the fault script: {message}")]
pub struct ScriptError {
    /// Line of the field, or of the rule that it belongs to; the first is 1.
    pub line: usize,
    /// What is not understood.
    pub message: String,
}

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// What the request log calls it: its place in the script and its action.
    pub(super) name: String,
    pub(super) target: Target,
    pub(super) occurrence: Occurrence,
    pub(super) per: Per,
    pub(super) action: Action,
}

/// Which requests a rule looks at.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    /// `None`: any.
    pub(super) operation: Option<Operation>,
    pub(super) part: Option<u16>,
    pub(super) key: Option<String>,
}

/// What a rule counts together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Per {
    /// All requests that it looks at.
    #[default]
    Rule,
    /// Those for one part of one key.
    Part,
}

/// At which of the requests that it looks at a rule fires.
#[derive(Clone, Debug)]
pub(super) enum Occurrence {
    Always,
    /// The first is 1.
    Nth(RangeInclusive<u64>),
    Every(u64),
    Chance {
        probability: f64,
        seed: u64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<Spanned<RawRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    at: At,
    part: Option<u16>,
    key: Option<String>,
    #[serde(default)]
    per: Per,
    nth: Option<Nth>,
    every: Option<NonZeroU64>,
    probability: Option<f64>,
    seed: Option<u64>,
    #[serde(rename = "do")]
    verb: Verb,
    // What follows belongs to actions: each takes its own, and what is left over is an error.
    status: Option<u16>,
    code: Option<String>,
    ec: Option<String>,
    message: Option<String>,
    retry_after: Option<String>,
    answer: Option<When>,
    after: Option<Place>,
    #[serde(rename = "for")]
    pause: Option<Time>,
    by: Option<Time>,
    rate: Option<Size>,
    parting: Option<Parting>,
    name: Option<String>,
    value: Option<String>,
    text: Option<String>,
    content_type: Option<String>,
    number: Option<u16>,
    change: Option<Change>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Verb {
    Refuse,
    Body,
    ResetRequest,
    CloseRequest,
    LoseAnswer,
    NoAct,
    StallRequest,
    StallAnswer,
    Delay,
    Trickle,
    Throttle,
    Header,
    WithoutHeader,
    TruncateAnswer,
    CorruptCrc,
    CorruptBody,
    OmitPart,
    AlterPart,
    LosePart,
    ForgetUpload,
    CompleteElsewhere,
    OverwriteObject,
    ExpireToken,
    Skew,
}

impl Verb {
    /// As the script spells it.
    fn name(self) -> String {
        let mut name = String::new();
        for character in format!("{self:?}").chars() {
            if character.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(character.to_ascii_lowercase());
        }
        name
    }
}

impl RawRule {
    fn check(mut self, place: usize) -> Result<Rule, String> {
        let verb = self.verb.name();
        let target = Target { operation: self.at.0, part: self.part, key: self.key.take() };
        let occurrence = self.occurrence()?;
        let action = self.action(&verb)?;
        match self.left_over() {
            Some(field) => Err(format!("`{field}` means nothing to `{verb}`")),
            None => Ok(Rule { name: format!("{place}:{verb}"), target, occurrence, per: self.per, action }),
        }
    }

    fn occurrence(&self) -> Result<Occurrence, String> {
        match (&self.nth, self.every, self.probability) {
            (None, None, None) if self.seed.is_some() => {
                Err("`seed` means nothing without `probability`".to_owned())
            }
            (None, None, None) => Ok(Occurrence::Always),
            (Some(Nth(range)), None, None) => Ok(Occurrence::Nth(range.clone())),
            (None, Some(every), None) => Ok(Occurrence::Every(every.get())),
            (None, None, Some(probability)) if (0.0..=1.0).contains(&probability) => {
                Ok(Occurrence::Chance { probability, seed: self.seed.unwrap_or(0) })
            }
            (None, None, Some(_)) => Err("`probability` is between 0 and 1".to_owned()),
            _ => Err("only one of `nth`, `every` and `probability` can be given".to_owned()),
        }
    }

    fn action(&mut self, verb: &str) -> Result<Action, String> {
        let missing = |field: &str| format!("`{verb}` needs `{field}`");
        Ok(match self.verb {
            Verb::Refuse => {
                let status = status(self.status.take().ok_or_else(|| missing("status"))?)?;
                let code = self.code.take().ok_or_else(|| missing("code"))?;
                Action::Refuse {
                    status,
                    ec: self.ec.take().unwrap_or_else(|| "0000-00000000".to_owned()),
                    message: self.message.take().unwrap_or_else(|| format!("{code}, by script.")),
                    code,
                    retry_after: self.retry_after.take(),
                    when: self.answer.take().unwrap_or(When::AfterBody),
                }
            }
            Verb::Body => Action::Body {
                status: status(self.status.take().unwrap_or(200))?,
                content_type: self.content_type.take().unwrap_or_else(|| "text/html".to_owned()),
                text: self.text.take().ok_or_else(|| missing("text"))?,
                when: self.answer.take().unwrap_or(When::AfterBody),
            },
            Verb::ResetRequest => Action::CutRequest { after: self.place(), parting: Parting::Reset },
            Verb::CloseRequest => Action::CutRequest { after: self.place(), parting: Parting::Close },
            Verb::LoseAnswer => Action::LoseAnswer { parting: self.parting.take().unwrap_or_default() },
            Verb::NoAct => Action::NoAct { parting: self.parting.take().unwrap_or_default() },
            Verb::StallRequest => Action::StallRequest {
                pause: self.pause.take().ok_or_else(|| missing("for"))?.pause(),
                after: self.place(),
            },
            Verb::StallAnswer => {
                Action::StallAnswer { pause: self.pause.take().ok_or_else(|| missing("for"))?.pause() }
            }
            Verb::Delay => Action::Delay { pause: self.pause.take().ok_or_else(|| missing("for"))?.pause() },
            Verb::Trickle => Action::Trickle { rate: self.rate(verb)? },
            Verb::Throttle => Action::Throttle { rate: self.rate(verb)? },
            Verb::Header => Action::Header {
                name: header_name(self.name.take().ok_or_else(|| missing("name"))?)?,
                value: header_value(self.value.take().ok_or_else(|| missing("value"))?)?,
            },
            Verb::WithoutHeader => {
                Action::WithoutHeader { name: header_name(self.name.take().ok_or_else(|| missing("name"))?)? }
            }
            Verb::TruncateAnswer => Action::TruncateAnswer {
                after: match self.place() {
                    Offset::Bytes(bytes) => bytes,
                    Offset::Percent(_) => return Err("`truncate-answer` takes bytes, not a share".to_owned()),
                },
                parting: self.parting.take().unwrap_or(Parting::Close),
            },
            Verb::CorruptCrc => Action::CorruptCrc,
            Verb::CorruptBody => Action::CorruptBody { after: self.place() },
            Verb::OmitPart => {
                Action::OmitPart { number: self.number.take().ok_or_else(|| missing("number"))? }
            }
            Verb::AlterPart => Action::AlterPart {
                number: self.number.take().ok_or_else(|| missing("number"))?,
                change: self.change.take().ok_or_else(|| missing("change"))?,
            },
            Verb::LosePart => {
                Action::LosePart { number: self.number.take().ok_or_else(|| missing("number"))? }
            }
            Verb::ForgetUpload => Action::ForgetUpload,
            Verb::CompleteElsewhere => Action::CompleteElsewhere,
            Verb::OverwriteObject => Action::OverwriteObject {
                text: self.text.take().unwrap_or_else(|| "somebody else's".to_owned()),
            },
            Verb::ExpireToken => Action::ExpireToken,
            Verb::Skew => Action::Skew { by: self.by.take().ok_or_else(|| missing("by"))?.0 },
        })
    }

    fn place(&mut self) -> Offset {
        self.after.take().map_or(Offset::Bytes(0), |place| place.0)
    }

    fn rate(&mut self, verb: &str) -> Result<u64, String> {
        let rate = self.rate.take().ok_or_else(|| format!("`{verb}` needs `rate`"))?.0;
        if rate == 0 { Err("`rate` is at least 1 byte a second".to_owned()) } else { Ok(rate) }
    }

    /// A field that the action has not taken.
    fn left_over(&self) -> Option<&'static str> {
        let fields = [
            ("status", self.status.is_some()),
            ("code", self.code.is_some()),
            ("ec", self.ec.is_some()),
            ("message", self.message.is_some()),
            ("retry_after", self.retry_after.is_some()),
            ("answer", self.answer.is_some()),
            ("after", self.after.is_some()),
            ("for", self.pause.is_some()),
            ("by", self.by.is_some()),
            ("rate", self.rate.is_some()),
            ("parting", self.parting.is_some()),
            ("name", self.name.is_some()),
            ("value", self.value.is_some()),
            ("text", self.text.is_some()),
            ("content_type", self.content_type.is_some()),
            ("number", self.number.is_some()),
            ("change", self.change.is_some()),
        ];
        fields.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}

fn status(status: u16) -> Result<u16, String> {
    if (200..=599).contains(&status) {
        Ok(status)
    } else {
        Err(format!("`status` is 200 to 599, not {status}"))
    }
}

fn header_name(name: String) -> Result<String, String> {
    match http::HeaderName::try_from(&name) {
        Ok(_) => Ok(name),
        Err(_) => Err(format!("{name:?} is not the name of a header")),
    }
}

fn header_value(value: String) -> Result<String, String> {
    match http::HeaderValue::try_from(&value) {
        Ok(_) => Ok(value),
        Err(_) => Err(format!("{value:?} is not the value of a header")),
    }
}

/// An operation by name, or `any`.
struct At(Option<Operation>);

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == "any" {
            return Ok(Self(None));
        }
        let operation = Operation::ALL.into_iter().find(|operation| operation.name() == name);
        operation.map(|operation| Self(Some(operation))).ok_or_else(|| {
            let names: Vec<_> = Operation::ALL.into_iter().map(Operation::name).collect();
            Error::custom(format!("{name:?} is not an operation; there are any, {}", names.join(", ")))
        })
    }
}

/// `3`, `"1..3"` (both included) or `"2.."`.
struct Nth(RangeInclusive<u64>);

impl<'de> Deserialize<'de> for Nth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = &"a count such as 3, \"1..3\" or \"2..\", from 1";
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::String(text) => text,
            other => return Err(Error::invalid_type(Unexpected::Other(other.type_str()), expected)),
        };
        let (first, last) = match text.split_once("..") {
            None => (text.parse().ok(), text.parse().ok()),
            Some((first, "")) => (first.parse().ok(), Some(u64::MAX)),
            Some((first, last)) => (first.parse().ok(), last.parse().ok()),
        };
        match (first, last) {
            (Some(first), Some(last)) if 1 <= first && first <= last => Ok(Self(first..=last)),
            _ => Err(Error::invalid_value(Unexpected::Str(&text), expected)),
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_named_with_its_line() {
        let cases = [
            ("[[fault]]\nat = \"any\"\ndo = \"explode\"", 3, "explode"),
            ("[[fault]]\nat = \"upload\"\ndo = \"no-act\"", 2, "upload"),
            ("[[fault]]\nat = \"any\"\ndo = \"no-act\"\nspeed = 1", 4, "speed"),
            ("\n[[fault]]\nat = \"any\"\ndo = \"stall-answer\"", 2, "`for`"),
            ("[[fault]]\nat = \"any\"\ndo = \"no-act\"\nrate = 1", 1, "`rate`"),
            ("[[fault]]\nat = \"any\"\ndo = \"no-act\"\nnth = \"3..1\"", 4, "3..1"),
            ("[[fault]]\nat = \"any\"\ndo = \"no-act\"\nnth = 0", 4, "0"),
            ("[[fault]]\nat = \"any\"\ndo = \"no-act\"\nnth = 1\nevery = 2", 1, "only one"),
            ("[[fault]]\nat = \"any\"\ndo = \"trickle\"\nrate = \"fast\"", 4, "fast"),
            ("[[fault]]\nat = \"any\"\ndo = \"delay\"\nfor = \"soon\"", 4, "soon"),
            ("[[fault]]\nat = \"any\"\ndo = \"header\"\nname = \"a b\"\nvalue = \"c\"", 1, "a b"),
            ("[[fault]]\nat = \"any\"\ndo = \"refuse\"\nstatus = 99\ncode = \"X\"", 1, "99"),
            ("[[fault]]\nat = \"any\"\ndo = \"no-act\"\nper = \"day\"", 4, "day"),
            ("[[faults]]\n", 1, "faults"),
        ];
        for (text, line, word) in cases {
            let error = Script::parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(error.message.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn each_action_is_read() {
        let cases = [
            "do='refuse'\nstatus=503\ncode='X'\nec='1'\nmessage='m'\nretry_after='3'\nanswer='early'",
            "do='body'\nstatus=502\ntext='<html>'\ncontent_type='text/html'\nanswer='after-acting'",
            "do='reset-request'\nafter='50%'",
            "do='close-request'\nafter=65536",
            "do='lose-answer'\nparting='close'",
            "do='no-act'",
            "do='stall-request'\nafter=1\nfor='2s'",
            "do='stall-answer'\nfor='150ms'",
            "do='delay'\nfor=1",
            "do='trickle'\nrate='1K'",
            "do='throttle'\nrate=100",
            "do='header'\nname='ETag'\nvalue='x'",
            "do='without-header'\nname='ETag'",
            "do='truncate-answer'\nafter=20\nparting='reset'",
            "do='corrupt-crc'",
            "do='corrupt-body'",
            "do='omit-part'\nnumber=5",
            "do='alter-part'\nnumber=5\nchange='without-crc'",
            "do='lose-part'\nnumber=5",
            "do='forget-upload'",
            "do='complete-elsewhere'",
            "do='overwrite-object'\ntext='other'",
            "do='expire-token'",
            "do='skew'\nby='-20m'",
        ];
        let readme = include_str!("../../README.md");
        for operation in Operation::ALL {
            assert!(
                readme.contains(&format!("`{}`", operation.name())),
                "{operation:?} is not in the README"
            );
        }
        for action in cases {
            let verb = action.split('\'').nth(1).unwrap();
            assert!(readme.contains(&format!("`{verb}`")), "{verb} is not in the README");
            let text = format!("[[fault]]\nat='any'\nnth='2..'\n{action}");
            assert_eq!(Script::parse(&text).map(|script| script.len()), Ok(1), "{text}");
        }
        assert!(Script::parse("# nothing").unwrap().is_empty());
    }
}
