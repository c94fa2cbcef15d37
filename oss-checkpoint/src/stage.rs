/// How far an upload has got, as the journal knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Parts are going up, or the upload has not been initiated yet.
    #[default]
    Uploading,
    /// Every part is proved; `CompleteMultipartUpload` may have gone out.
    Completing,
    /// Given up for good; `AbortMultipartUpload` may have gone out.
    Aborting,
}
