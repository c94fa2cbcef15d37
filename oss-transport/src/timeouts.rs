use std::time::Duration;

/// The clocks of one exchange. None of them limits the whole: a slow link that moves bytes is never cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Resolve + connect + TLS together.
    pub connect: Duration,
    /// Longest time in which the connection takes no byte of the request.
    pub write_idle: Duration,
    /// From the last byte of the request to the first byte of the answer. For an upload, callers add a second for
    /// each megabyte that was sent.
    pub answer: Duration,
    /// Whole head of the answer, from its first byte.
    pub head: Duration,
    /// Whole body of the answer, from the end of its head. For a streamed body: longest time between two pieces,
    /// without the time that its reader takes.
    pub body: Duration,
}

impl Default for Timeouts {
    /// 10 s to connect, 20 s of write idle, 30 s for the answer to begin, 30 s for its head, 60 s for its body.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            write_idle: Duration::from_secs(20),
            answer: Duration::from_secs(30),
            head: Duration::from_secs(30),
            body: Duration::from_mins(1),
        }
    }
}
