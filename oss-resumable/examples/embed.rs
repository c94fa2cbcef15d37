//! The ready uploader over a transport of one's own, in a few lines.
//!
//! ```text
//! cargo run -p oss-resumable --features driver --example embed -- http://127.0.0.1:9000 FILE BUCKET KEY DIRECTORY
//! ```
//!
//! The journal of the upload is kept in DIRECTORY: the same line again goes on where it was interrupted. Requests are
//! signed with the pair `local`/`local`, as a local emulator takes it.

#[path = "plain/http.rs"]
mod http;

use std::{error::Error, path::Path, sync::Arc};

use ::http::{Response, uri::Authority};
use async_trait::async_trait;
use oss_checkpoint::{BucketName, FileStore, ObjectKey};
use oss_resumable::{
    driver::{Receipt, Uploader},
    wire::{Endpoint, EndpointSettings},
};
use oss_sign::Credentials;
use oss_transport::{Answer, Body, BodyError, Exchange, Transport, TransportError, Unsent};

/// Uploads a file, and tells how far it is.
pub async fn upload(
    endpoint: &str,
    file: &Path,
    bucket: &str,
    key: &str,
    journals: &Path,
    progress: impl FnMut(u64, Option<u64>) + Send + 'static,
) -> Result<Receipt, Box<dyn Error + Send + Sync>> {
    let settings = EndpointSettings {
        endpoint: Some(endpoint.to_owned()),
        region: Some("cn-hangzhou".to_owned()),
        ..EndpointSettings::default()
    };
    let uploader = Uploader::builder(Endpoint::resolve(&settings)?)
        .transport(Arc::new(PlainHttp))
        .credentials(Credentials::new("local", "local")?)
        .store(Arc::new(FileStore::new(journals)))
        .build()?;
    let upload =
        uploader.upload_file(file, BucketName::new(bucket)?, ObjectKey::new(key)?).progress(progress);
    // `upload.handle()` pauses or aborts it from elsewhere.
    Ok(upload.run().await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, file, bucket, key, journals] = arguments.as_slice() else {
        return Err("expected: ENDPOINT FILE BUCKET KEY DIRECTORY".into());
    };
    let progress = |consumed, total| match total {
        Some(total) => eprintln!("{consumed} of {total} bytes"),
        None => eprintln!("{consumed} bytes"),
    };
    let receipt = upload(endpoint, Path::new(file), bucket, key, Path::new(journals), progress).await?;
    println!("{} bytes, CRC-64 {}, ETag {:?}", receipt.size, receipt.crc64, receipt.etag);
    Ok(())
}

/// A transport of one's own: it says how an exchange failed, and the rest follows from that.
#[derive(Debug)]
pub struct PlainHttp;

#[async_trait]
impl Transport for PlainHttp {
    async fn send(&self, exchange: Exchange) -> Result<Response<Answer>, TransportError> {
        let (head, body) = exchange.request.into_parts();
        let authority = head.uri.authority().cloned();
        let authority = authority.unwrap_or_else(|| Authority::from_static("nowhere"));
        let exchanged = tokio::task::spawn_blocking(move || {
            let mut body_error = None;
            let answer = http::exchange(&head, body.len(), |stream| {
                write_body(stream, &body).map_err(|error| {
                    body_error = Some(error);
                    std::io::Error::other("the body failed")
                })
            });
            (answer, body_error)
        });
        match exchanged.await {
            Ok((_, Some(source))) => Err(TransportError::Body { source }),
            Ok((Ok(answer), None)) => Ok(answer.map(Answer::Whole)),
            Ok((Err(http::Failed::NotSent(error)), None)) => {
                Err(TransportError::NotSent { authority, reason: Unsent::Connect, source: error.into() })
            }
            Ok((Err(http::Failed::Unanswered(error)), None)) => {
                Err(TransportError::Unanswered { authority, source: error.into() })
            }
            Err(error) => Err(TransportError::Unanswered { authority, source: error.into() }),
        }
    }
}

/// Errors of the connection are left to the answer to explain; those of the body are the body's.
fn write_body(stream: &mut std::net::TcpStream, body: &Body) -> Result<(), BodyError> {
    use std::io::Write as _;

    match body {
        Body::Empty => {}
        Body::Bytes(bytes) => drop(stream.write_all(bytes)),
        Body::Chunks { source, .. } => {
            let mut chunks = source.open()?;
            while let Some(chunk) = chunks.next()? {
                if stream.write_all(&chunk).is_err() {
                    break;
                }
            }
        }
    }
    Ok(())
}
