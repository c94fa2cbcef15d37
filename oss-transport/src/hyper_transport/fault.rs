use std::{net::IpAddr, time::Duration};

/// What goes wrong on a connection beyond what hyper reports by itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the connection took no byte of the request for {0:?}")]
    WriteIdle(Duration),
    #[error("this machine no longer has the address {0}")]
    AddressGone(IpAddr),
    #[error("no answer began within {0:?} of the last byte of the request")]
    NoAnswer(Duration),
    #[error("the head of the answer took longer than {0:?}")]
    HeadTooSlow(Duration),
    #[error("the body of the answer took longer than {0:?}")]
    BodyTooSlow(Duration),
    #[error("more than 16 informational answers")]
    TooManyInformational,
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("the server switched protocols unasked")]
    Switched,
    #[error("the transport was closed")]
    Shutdown,
    #[error("the body ended {0} bytes before its stated length")]
    BodyShort(u64),
    #[error("the body is {0} bytes longer than its stated length")]
    BodyLong(u64),
    #[error("the body panicked: {0}")]
    BodyPanicked(String),
    #[error("{0:?} passed while {1}")]
    ConnectTooSlow(Duration, &'static str),
    #[error("the peer does not speak TLS on this port; it may be plain HTTP")]
    NotTls,
    #[error("{0}")]
    Words(String),
}
