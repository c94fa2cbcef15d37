//! How this server reads a request, for tests that compare it with what a client meant. Nothing here is carried out.

use http::request::Parts;

use crate::address::Address;
use crate::operations;
use crate::query::Query;
use crate::route::Operation;
use crate::settings::Settings;
use crate::store;

/// A request as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// In the words of the fault script.
    pub operation: &'static str,
    /// `None`: the service itself.
    pub bucket: Option<String>,
    /// `None`: the bucket, or the service.
    pub key: Option<String>,
    /// Names and values, decoded, in the order of the URL.
    pub query: Vec<(String, String)>,
}

impl Reading {
    /// Reads the head of a request.
    ///
    /// # Errors
    /// The code of the refusal.
    pub fn of(parts: &Parts, settings: &Settings) -> Result<Self, String> {
        let query = Query::parse(parts.uri.query());
        let address = Address::of(parts, settings).map_err(|refusal| refusal.code.clone())?;
        let operation = Operation::of(parts, &address, &query).map_err(|refusal| refusal.code.clone())?;
        Ok(Self {
            operation: operation.name(),
            bucket: address.bucket,
            key: address.key,
            query: query.into_pairs(),
        })
    }
}

/// Numbers and tags of the parts that the body of a Complete names; `None` if it is no list of parts.
pub fn named_parts(body: &[u8]) -> Option<Vec<(u64, String)>> {
    let parts = operations::named_parts(body)?;
    Some(parts.into_iter().map(|part| (part.number, part.etag)).collect())
}

/// Name of the file that an object of this key is described in.
pub fn object_file_name(key: &str) -> String {
    store::object_file_name(key)
}
