/// What an object is given when it is created; fixed by Initiate (or PutObject) and part of a job's match: an
/// unfinished upload with other options is not resumed.
///
/// Names and values are those of the HTTP headers, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectOptions {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// Every other header that Initiate stores with the object: `cache-control`, `content-disposition`,
    /// `content-encoding`, `expires`, `x-oss-meta-*`, `x-oss-storage-class`, `x-oss-server-side-encryption*`,
    /// `x-oss-tagging`. Lower-case name, value.
    pub headers: Vec<(String, String)>,
    /// `x-oss-object-acl`; a multipart upload states it at Complete.
    pub acl: Option<String>,
    /// `x-oss-forbid-overwrite: true`, on Initiate, Complete and PutObject.
    pub forbid_overwrite: bool,
}
