//! What an object is given, as headers of the requests that create it.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use oss_checkpoint::ObjectOptions;

use crate::{Fault, FaultClass};

/// Which request of an upload the headers are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Creates {
    /// PutObject: all of them.
    Object,
    /// InitiateMultipartUpload: what is stored with the object.
    Upload,
    /// CompleteMultipartUpload: what is decided at the end.
    ObjectOfParts,
}

/// Headers that are stored with the object. <https://www.alibabacloud.com/help/en/oss/developer-reference/putobject>
const STORED: [&str; 9] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
    "x-oss-server-side-data-encryption",
    "x-oss-server-side-encryption",
    "x-oss-server-side-encryption-key-id",
    "x-oss-storage-class",
];

/// Adds the headers that the options ask for.
///
/// # Errors
/// [`FaultClass::Local`] for a header that OSS does not know, and for a value that a header cannot have.
pub(super) fn add(
    options: &ObjectOptions,
    creates: Creates,
    operation: &'static str,
    headers: &mut HeaderMap,
) -> Result<(), Fault> {
    let mut set = |name: &str, value: &str| {
        let (name, value) = header_of(operation, name, value)?;
        headers.insert(name, value);
        Ok(())
    };
    if creates != Creates::ObjectOfParts
        && let Some(content_type) = &options.content_type
    {
        set(header::CONTENT_TYPE.as_str(), content_type)?;
    }
    if creates != Creates::Upload
        && let Some(acl) = &options.acl
    {
        set("x-oss-object-acl", acl)?;
    }
    if options.forbid_overwrite {
        set("x-oss-forbid-overwrite", "true")?;
    }
    for (name, value) in &options.headers {
        let stored =
            STORED.contains(&name.as_str()) || name == "x-oss-tagging" || name.starts_with("x-oss-meta-");
        let at_end = name == "x-oss-callback" || name == "x-oss-callback-var";
        if !stored && !at_end {
            let message = format!("{operation} cannot be sent: OSS stores no header {name:?} with an object");
            return Err(Fault::new(FaultClass::Local, message));
        }
        let wanted = match creates {
            Creates::Object => true,
            Creates::Upload => stored,
            Creates::ObjectOfParts => at_end,
        };
        if wanted {
            set(name, value)?;
        }
    }
    Ok(())
}

fn header_of(operation: &str, name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Fault> {
    let local = |why: &str| Fault::new(FaultClass::Local, format!("{operation} cannot be sent: {why}"));
    let name =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| local(&format!("{name:?} is no header name")))?;
    // Blanks at the ends do not survive the way, and the signature would not hold without them.
    let value = value.trim();
    let visible = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let header = HeaderValue::from_str(value).ok().filter(|_| visible);
    let header = header.ok_or_else(|| {
        local(&format!("the header {name} takes visible ASCII only (percent-encode the rest), not {value:?}"))
    })?;
    Ok((name, header))
}
