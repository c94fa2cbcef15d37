//! Who signs: an access key pair, and the security token when the pair is temporary.
//!
//! The secret and the token are opaque in `Debug`, have no `Display`, and are wiped when the last copy is dropped.
//! Clones share one copy.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::SignError;
use crate::utc::SigningTime;

/// The public half of an access key pair: visible ASCII without a comma.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessKeyId(Arc<str>);

impl AccessKeyId {
    /// Takes an id as OSS or STS gave it.
    ///
    /// # Errors
    /// [`SignError::EmptyCredential`] or [`SignError::MalformedCredential`]; a comma would split the `Authorization`
    /// header.
    pub fn new(id: impl Into<String>) -> Result<Self, SignError> {
        let id = id.into();
        visible_ascii("access key id", &id)?;
        if id.contains(',') {
            return Err(SignError::MalformedCredential { what: "access key id", problem: "a comma" });
        }
        Ok(Self(id.into()))
    }

    /// The id as text; it is not a secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The secret half of an access key pair. Prints as `***`, is wiped when dropped.
#[derive(Clone)]
pub struct AccessKeySecret(Arc<Zeroizing<String>>);

impl AccessKeySecret {
    /// Takes a secret as OSS or STS gave it.
    ///
    /// # Errors
    /// [`SignError::EmptyCredential`] or [`SignError::MalformedCredential`] on control characters and on white space
    /// at either end: no secret of OSS has them, but what was read from a file often does.
    pub fn new(secret: impl Into<String>) -> Result<Self, SignError> {
        let secret = Zeroizing::new(secret.into());
        let what = "access key secret";
        if secret.is_empty() {
            return Err(SignError::EmptyCredential { what });
        }
        if secret.chars().any(char::is_control) {
            return Err(SignError::MalformedCredential { what, problem: "a control character" });
        }
        if secret.trim().len() != secret.len() {
            return Err(SignError::MalformedCredential { what, problem: "white space at its end" });
        }
        Ok(Self(Arc::new(secret)))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both are one secret. Used only to find a cached key of the same process, so it need not take constant
    /// time.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || *self.0 == *other.0
    }
}

impl fmt::Debug for AccessKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKeySecret(***)")
    }
}

/// The token that goes with a temporary access key pair of STS. Prints as `***`, is wiped when dropped.
#[derive(Clone)]
pub struct SecurityToken(Arc<Zeroizing<String>>);

impl SecurityToken {
    /// Takes a token as STS gave it.
    ///
    /// # Errors
    /// [`SignError::EmptyCredential`] or [`SignError::MalformedCredential`] on anything but visible ASCII: the token
    /// travels as a header value.
    pub fn new(token: impl Into<String>) -> Result<Self, SignError> {
        let token = Zeroizing::new(token.into());
        visible_ascii("security token", &token)?;
        Ok(Self(Arc::new(token)))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecurityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecurityToken(***)")
    }
}

/// An access key pair and, when it is temporary, its token. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Credentials {
    access_key_id: AccessKeyId,
    access_key_secret: AccessKeySecret,
    security_token: Option<SecurityToken>,
    ends_at: Option<SigningTime>,
}

impl Credentials {
    /// A long-lived pair, from text.
    ///
    /// # Errors
    /// Those of [`AccessKeyId::new`] and [`AccessKeySecret::new`].
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Result<Self, SignError> {
        Ok(Self::from_parts(AccessKeyId::new(id)?, AccessKeySecret::new(secret)?))
    }

    /// A long-lived pair, from its halves.
    pub fn from_parts(access_key_id: AccessKeyId, access_key_secret: AccessKeySecret) -> Self {
        Self { access_key_id, access_key_secret, security_token: None, ends_at: None }
    }

    /// The same pair as a temporary one. OSS refuses the pair without this token, and the signature covers it.
    #[must_use]
    pub fn with_security_token(mut self, token: SecurityToken) -> Self {
        self.security_token = Some(token);
        self
    }

    /// The same, known to end at that time, as STS says of temporary ones. Nothing here looks at a clock: it is for who
    /// asks for others in time.
    #[must_use]
    pub fn ending_at(mut self, time: SigningTime) -> Self {
        self.ends_at = Some(time);
        self
    }

    /// Whether both are one set: what a service refused as ended is not worth sending again. When they end is no part of
    /// them.
    pub fn is_same(&self, other: &Self) -> bool {
        let token = match (&self.security_token, &other.security_token) {
            (Some(one), Some(other)) => Arc::ptr_eq(&one.0, &other.0) || *one.0 == *other.0,
            (one, other) => one.is_none() && other.is_none(),
        };
        token
            && self.access_key_id == other.access_key_id
            && self.access_key_secret.is_same(&other.access_key_secret)
    }

    /// The public half.
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key_id
    }

    /// The secret half; nothing outside this crate can read its text.
    pub fn access_key_secret(&self) -> &AccessKeySecret {
        &self.access_key_secret
    }

    /// The token, for temporary pairs.
    pub fn security_token(&self) -> Option<&SecurityToken> {
        self.security_token.as_ref()
    }

    /// When they end, if that is known.
    pub fn ends_at(&self) -> Option<SigningTime> {
        self.ends_at
    }
}

fn visible_ascii(what: &'static str, text: &str) -> Result<(), SignError> {
    if text.is_empty() {
        return Err(SignError::EmptyCredential { what });
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SignError::MalformedCredential { what, problem: "a character outside visible ASCII" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows: 89
    #[test]
    fn what_no_credential_can_hold_is_refused_without_being_shown() {
        for text in ["", "Hidden\n", "\tHidden", "Hid\u{0}Hidden", "Hidden "] {
            for error in [
                AccessKeyId::new(text).unwrap_err(),
                AccessKeySecret::new(text).unwrap_err(),
                SecurityToken::new(text).unwrap_err(),
            ] {
                assert!(!format!("{error} {error:?}").contains("Hid"), "{error:?}");
            }
        }
        assert!(AccessKeyId::new("a,b").is_err());
        assert!(AccessKeyId::new("ak/with+odd=chars").is_ok());
    }

    #[test]
    fn clones_share_one_copy_of_the_secret() {
        let credentials = Credentials::new("ak", "sk").unwrap();
        let clone = credentials.clone();
        assert!(Arc::ptr_eq(&credentials.access_key_secret.0, &clone.access_key_secret.0));
        assert!(clone.access_key_secret.is_same(&AccessKeySecret::new("sk").unwrap()));
        assert!(!clone.access_key_secret.is_same(&AccessKeySecret::new("sl").unwrap()));
    }

    #[test]
    fn sets_are_one_when_all_of_their_parts_are() {
        let with = |id: &str, secret: &str, token: Option<&str>| {
            let pair = Credentials::new(id, secret).unwrap();
            token.map_or(pair.clone(), |token| pair.with_security_token(SecurityToken::new(token).unwrap()))
        };
        let one = with("ak", "sk", Some("t"));
        assert!(one.is_same(&one.clone()) && one.is_same(&with("ak", "sk", Some("t"))));
        let end = SigningTime::from_unix(1_700_000_000).unwrap();
        assert!(one.is_same(&one.clone().ending_at(end)), "when they end is no part of them");
        assert_eq!((one.ends_at(), one.clone().ending_at(end).ends_at()), (None, Some(end)));
        for other in [
            with("al", "sk", Some("t")),
            with("ak", "sl", Some("t")),
            with("ak", "sk", Some("u")),
            with("ak", "sk", None),
        ] {
            assert!(!one.is_same(&other) && !other.is_same(&one));
        }
    }
}
