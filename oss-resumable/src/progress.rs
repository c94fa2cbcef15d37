use oss_checkpoint::ByteCount;

/// How far an upload is. Bytes of parts in flight are the driver's to add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Length of the source; `None` before it was inspected.
    pub total: Option<ByteCount>,
    /// Bytes that the server has answered for and that count, resumed ones included.
    pub accepted: ByteCount,
    /// Of these, bytes that were on the server before this run.
    pub resumed: ByteCount,
    /// Number of parts; 0 for an object in one request, and before there is a plan.
    pub parts: u16,
    /// Parts that count.
    pub parts_accepted: u16,
}
