//! The service's errors: status, code, EC and the elements that some of them add.

use std::ops::Deref;

use http::StatusCode;

use crate::xml::Writer;

/// An answer that is an error: XML, or the same XML in `x-oss-err` where there is no body.
#[derive(Clone, Debug)]
pub(crate) struct Refusal(Box<Saying>);

/// What a refusal says.
#[derive(Clone, Debug)]
pub(crate) struct Saying {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) ec: String,
    /// Elements beside the usual ones, in order.
    pub(crate) extras: Vec<(&'static str, String)>,
    /// Headers that go with it.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, ec: &str, message: impl Into<String>) -> Self {
        Self(Box::new(Saying {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: code.to_owned(),
            message: message.into(),
            ec: ec.to_owned(),
            extras: Vec::new(),
            headers: Vec::new(),
        }))
    }

    pub(crate) fn with(mut self, element: &'static str, text: impl Into<String>) -> Self {
        self.0.extras.push((element, text.into()));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    /// The body that says it.
    pub(crate) fn to_xml(&self, request_id: &str, host: &str) -> String {
        let mut xml = Writer::document("Error");
        xml.text("Code", &self.code)
            .text("Message", &self.message)
            .text("RequestId", request_id)
            .text("HostId", host);
        for (element, text) in &self.extras {
            xml.text(element, text);
        }
        xml.text("EC", &self.ec)
            .text("RecommendDoc", &format!("https://api.aliyun.com/troubleshoot?q={}", self.ec));
        xml.finish()
    }

    pub(crate) fn no_such_bucket(bucket: &str) -> Self {
        Self::new(404, "NoSuchBucket", "0015-00000101", "The specified bucket does not exist.")
            .with("BucketName", bucket)
    }

    pub(crate) fn no_such_key(key: &str) -> Self {
        Self::new(404, "NoSuchKey", "0026-00000001", "The specified key does not exist.").with("Key", key)
    }

    /// `ec` differs by operation.
    pub(crate) fn no_such_upload(ec: &str, upload_id: &str) -> Self {
        let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
        Self::new(404, "NoSuchUpload", ec, message).with("UploadId", upload_id)
    }

    pub(crate) fn invalid_argument(ec: &str, name: &str, value: &str, message: impl Into<String>) -> Self {
        Self::new(400, "InvalidArgument", ec, message).with("ArgumentName", name).with("ArgumentValue", value)
    }

    pub(crate) fn file_already_exists(ec: &str) -> Self {
        Self::new(
            409,
            "FileAlreadyExists",
            ec,
            "The object you specified already exists and can not be overwritten.",
        )
    }

    pub(crate) fn not_implemented(what: &str) -> Self {
        Self::new(
            501,
            "NotImplemented",
            "0003-00000501",
            format!("{what} is not implemented by this server."),
        )
    }

    pub(crate) fn invalid_digest(ec: &str, message: &str) -> Self {
        Self::new(400, "InvalidDigest", ec, message)
    }

    /// The disk, not the caller.
    pub(crate) fn internal(error: &std::io::Error) -> Self {
        tracing::error!(%error, "the store failed");
        Self::new(
            500,
            "InternalError",
            "0003-00000500",
            format!("We encountered an internal error: {error}."),
        )
    }
}

impl Deref for Refusal {
    type Target = Saying;

    fn deref(&self) -> &Saying {
        &self.0
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::internal(&error)
    }
}
