use crate::{
    ByteCount, Job, ObjectFacts, ObjectOptions, PartReceipt, ServerTime, SourceStamp, Stage, UploadId,
};

/// One step in the life of an upload; a journal is a sequence of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An upload is meant to begin: written before Initiate. After `Abandoned` or
    /// `Done` another one in the same journal starts over.
    Begun(Box<Begun>),
    /// The server gave it an id, or one was adopted.
    Initiated {
        /// The id.
        upload_id: UploadId,
        /// When, by the server's clock.
        at: Option<ServerTime>,
    },
    /// A part is on the server.
    PartUploaded {
        /// What is known of it.
        receipt: PartReceipt,
        /// Whether the source had been at rest long enough, when the part was read, for an unchanged stamp to
        /// prove unchanged bytes.
        at_rest: bool,
    },
    /// The source has another stamp. What was read under the old one proves nothing until it is read again.
    StampRenewed {
        /// The stamp of what is read from now on.
        stamp: SourceStamp,
    },
    /// The upload enters a stage.
    Entered(Stage),
    /// The upload was aborted on the server; another may begin in the same journal.
    Abandoned,
    /// The object is there and proved.
    Done(Box<ObjectFacts>),
}

/// What an upload is meant to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Source and target.
    pub job: Job,
    /// Authority of the endpoint that was used; only so that going on needs no flags.
    pub endpoint: String,
    /// The source as it was.
    pub stamp: SourceStamp,
    /// Size of each part but the last.
    pub part_size: ByteCount,
    /// What Initiate is told.
    pub options: ObjectOptions,
    /// Local wall clock when it began, seconds since 1970: for people, and to recognise an upload whose Initiate was
    /// never answered.
    pub at: i64,
}
