//! The way to a server below TLS: its name, the race of its addresses, the proxy's tunnel.

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use http::Uri;
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::{
    dial::{Dialer, Refusal},
    flow::Flow,
    proxy::Proxy,
    target::Target,
    wire::Metered,
};

/// A connector for one connection, as the TLS connector over it wants it.
#[derive(Clone)]
pub(super) struct Way {
    dialer: Arc<Dialer>,
    proxy: Option<Proxy>,
    flow: Arc<Flow>,
    step: Step,
}

/// What connecting is at, as it appears in "10s passed while ...".
#[derive(Clone)]
pub(super) struct Step(Arc<Mutex<&'static str>>);

type Arrival = Result<TokioIo<Metered>, Refusal>;

impl Way {
    /// Through `proxy` if there is one; the stream notes its bytes in `flow`.
    pub(super) fn new(dialer: Arc<Dialer>, proxy: Option<Proxy>, flow: Arc<Flow>) -> Self {
        Self { dialer, proxy, flow, step: Step::new() }
    }

    /// Where it is; can be looked at while it goes on.
    pub(super) fn step(&self) -> Step {
        self.step.clone()
    }

    /// Opens the connection. For https it goes through a tunnel of the proxy, for http to the proxy itself.
    pub(super) async fn go(self, target: &Target) -> Arrival {
        let stream = match &self.proxy {
            None => self.dialer.reach(target.host(), target.port(), &self.step).await?,
            Some(proxy) => {
                proxy.check()?;
                let stream = self
                    .dialer
                    .reach(&proxy.host, proxy.port, &self.step)
                    .await
                    .map_err(|refusal| proxy.refusal(&refusal.source.to_string()))?;
                if target.is_https {
                    self.step.is_now("asking the proxy for a tunnel");
                    proxy.tunnel(&stream, target.authority.host(), target.port()).await?;
                }
                stream
            }
        };
        if target.is_https {
            self.step.is_now("shaking hands (TLS)");
        }
        Ok(TokioIo::new(Metered::new(stream, self.flow)))
    }
}

impl Service<Uri> for Way {
    type Response = TokioIo<Metered>;
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Arrival> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let way = self.clone();
        match Target::of(&server) {
            Ok(target) => Box::pin(async move { way.go(&target).await }),
            Err(refusal) => Box::pin(ready(Err(refusal))),
        }
    }
}

impl Step {
    fn new() -> Self {
        Self(Arc::new(Mutex::new("resolving the name")))
    }

    pub(super) fn is_now(&self, words: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }

    pub(super) fn words(&self) -> &'static str {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
