//! What the flags of `oss cp` give the object, checked before anything is sent.

use oss_checkpoint::{ObjectKey, ObjectOptions};

use crate::args::{Acl, CpArguments};

/// Most bytes of user metadata, names and values together.
/// <https://www.alibabacloud.com/help/en/oss/user-guide/manage-object-metadata-10>
const MAX_META: usize = 8 * 1024;

/// Reads the options of an object.
///
/// # Errors
/// A sentence for the user that names the flag.
pub(crate) fn read(arguments: &CpArguments) -> Result<ObjectOptions, String> {
    let mut headers = Vec::new();
    let mut given = |flag: &str, header: &str, value: Option<&str>| {
        if let Some(value) = value {
            headers.push((header.to_owned(), header_value(flag, value)?));
        }
        Ok::<_, String>(())
    };
    given("--cache-control", "cache-control", arguments.cache_control.as_deref())?;
    given("--content-disposition", "content-disposition", arguments.content_disposition.as_deref())?;
    given("--content-encoding", "content-encoding", arguments.content_encoding.as_deref())?;
    given("--expires", "expires", arguments.expires.as_deref())?;
    given("--storage-class", "x-oss-storage-class", arguments.storage_class.as_deref())?;
    given("--tagging", "x-oss-tagging", arguments.tagging.as_deref())?;
    headers.extend(user_metadata(&arguments.meta)?);

    let content_type = arguments.content_type.as_deref();
    Ok(ObjectOptions {
        content_type: content_type.map(|value| header_value("--content-type", value)).transpose()?,
        headers,
        acl: arguments.acl.map(|acl| acl_value(acl).to_owned()),
        forbid_overwrite: arguments.forbid_overwrite,
    })
}

/// What the extension of a key says, as nobody said it.
pub(crate) fn guessed_content_type(key: &ObjectKey) -> String {
    mime_guess::from_path(key.as_str()).first_raw().unwrap_or("application/octet-stream").to_owned()
}

fn acl_value(acl: Acl) -> &'static str {
    match acl {
        Acl::Default => "default",
        Acl::Private => "private",
        Acl::PublicRead => "public-read",
        Acl::PublicReadWrite => "public-read-write",
    }
}

/// `NAME=VALUE` as header and value, sorted by name: the order of flags makes no other upload.
fn user_metadata(pairs: &[String]) -> Result<Vec<(String, String)>, String> {
    let mut headers = Vec::new();
    let mut total = 0;
    for pair in pairs {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| format!("--meta {pair:?} is not NAME=VALUE"))?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || !name.bytes().all(fits) {
            return Err(format!("--meta {pair:?}: a name has ASCII letters, digits and hyphens only"));
        }
        let name = format!("x-oss-meta-{}", name.to_ascii_lowercase());
        let value = header_value("--meta", value)?;
        total += name.len() + value.len();
        if headers.iter().any(|(other, _)| *other == name) {
            return Err(format!("--meta {pair:?}: this name was given already"));
        }
        headers.push((name, value));
    }
    if total > MAX_META {
        return Err(format!(
            "--meta: {total} bytes of names and values are more than the {MAX_META} that OSS keeps"
        ));
    }
    headers.sort();
    Ok(headers)
}

/// A value that travels in a header as it is: visible ASCII and inner spaces.
fn header_value(flag: &str, value: &str) -> Result<String, String> {
    let fits = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if value.is_empty() || value.trim() != value || !value.bytes().all(fits) {
        return Err(format!(
            "{flag} {value:?}: a value is visible ASCII without spaces at its ends; encode anything else"
        ));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Arguments, CommandArguments};

    fn options(flags: &[&str]) -> Result<ObjectOptions, String> {
        let words = ["oss", "cp", "a", "oss://demo/a"].iter().chain(flags);
        let CommandArguments::Cp(arguments) = Arguments::try_parse_from(words).unwrap().command else {
            panic!("it is cp");
        };
        read(&arguments)
    }

    #[test]
    fn a_content_type_is_guessed_from_the_key_and_is_no_option() {
        let check = |key: &str, content_type: &str| {
            assert_eq!(guessed_content_type(&ObjectKey::new(key).unwrap()), content_type, "{key}");
        };
        check("a.html", "text/html");
        check("x/y.tar.gz", "application/gzip");
        check("noextension", "application/octet-stream");
        assert_eq!(options(&[]).unwrap(), ObjectOptions::default());
        assert_eq!(options(&["--content-type", "a/b"]).unwrap().content_type.as_deref(), Some("a/b"));
    }

    #[test]
    fn flags_become_headers() {
        let options = options(&[
            "--meta",
            "Zebra=1 2",
            "--meta",
            "apple==",
            "--cache-control",
            "no-cache",
            "--acl",
            "public-read",
            "--forbid-overwrite",
        ])
        .unwrap();
        let headers: Vec<_> =
            options.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            headers,
            [("cache-control", "no-cache"), ("x-oss-meta-apple", "="), ("x-oss-meta-zebra", "1 2")]
        );
        assert_eq!(options.acl.as_deref(), Some("public-read"));
        assert!(options.forbid_overwrite);
    }

    #[test]
    fn what_cannot_be_a_header_is_refused_by_its_flag() {
        let check = |flags: &[&str], part: &str| {
            let message = options(flags).unwrap_err();
            assert!(message.contains(part), "{message}");
        };
        check(&["--meta", "a"], "NAME=VALUE");
        check(&["--meta", "a b=c"], "letters");
        check(&["--meta", "a=b", "--meta", "A=c"], "already");
        check(&["--meta", "a=b\r\nx-oss-acl: public"], "--meta");
        check(&["--content-disposition", "attachment; filename=\u{4e2d}"], "--content-disposition");
        check(&["--cache-control", ""], "--cache-control");
        check(&["--meta", &format!("a={}", "x".repeat(MAX_META))], "8192");
    }
}
