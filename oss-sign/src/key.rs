//! The signing key: four HMACs from the secret, good for one day, region and product, and kept for that long.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use ring::hmac;
use zeroize::Zeroizing;

use crate::credentials::AccessKeySecret;
use crate::region::{Product, Region};
use crate::scope::{Scope, TERMINATOR};

/// How many keys are kept: more than the pairs that one program signs with; a server with more derives them again.
const KEPT: usize = 16;

/// A derived key. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct SigningKey(Zeroizing<[u8; 32]>);

impl SigningKey {
    /// `HMAC(HMAC(HMAC(HMAC("aliyun_v4" + secret, day), region), product), "aliyun_v4_request")`.
    pub(crate) fn derive(secret: &AccessKeySecret, scope: &Scope<'_>) -> Self {
        let mut seed = Zeroizing::new(Vec::with_capacity(PREFIX.len() + secret.expose().len()));
        seed.extend_from_slice(PREFIX);
        seed.extend_from_slice(secret.expose().as_bytes());
        let day_key = scope.with_day(|day| mac(&seed, day.as_bytes()));
        let region_key = mac(&*day_key, scope.region.as_str().as_bytes());
        let product_key = mac(&*region_key, scope.product.as_str().as_bytes());
        Self(mac(&*product_key, TERMINATOR.as_bytes()))
    }

    /// The signature of a string to sign: 32 bytes, written as 64 hexadecimal digits on the wire.
    pub(crate) fn sign(&self, string_to_sign: &str) -> hmac::Tag {
        hmac::sign(&self.hmac(), string_to_sign.as_bytes())
    }

    /// The key in the form that computes.
    pub(crate) fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &*self.0)
    }
}

const PREFIX: &[u8] = b"aliyun_v4";

fn mac(key: &[u8], message: &[u8]) -> Zeroizing<[u8; 32]> {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut bytes = Zeroizing::new([0; 32]);
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

/// The keys derived last, by secret, day, region and product. Shared by threads; the lock is held for a search only.
#[derive(Default)]
pub(crate) struct KeyCache {
    /// The least recently derived first; at most [`KEPT`].
    entries: Mutex<Vec<Entry>>,
}

struct Entry {
    secret: AccessKeySecret,
    day: i64,
    region: Region,
    product: Product,
    key: SigningKey,
}

impl Entry {
    fn is_for(&self, secret: &AccessKeySecret, scope: &Scope<'_>) -> bool {
        self.day == scope.time.day()
            && self.product == scope.product
            && self.region == *scope.region
            && self.secret.is_same(secret)
    }
}

impl KeyCache {
    /// The kept key, or a new one that is then kept.
    pub(crate) fn key(&self, secret: &AccessKeySecret, scope: &Scope<'_>) -> SigningKey {
        if let Some(entry) = self.lock().iter().rev().find(|entry| entry.is_for(secret, scope)) {
            return entry.key.clone();
        }
        let key = SigningKey::derive(secret, scope);
        let entry = Entry {
            secret: secret.clone(),
            day: scope.time.day(),
            region: scope.region.clone(),
            product: scope.product,
            key: key.clone(),
        };
        let mut entries = self.lock();
        // Another thread may have been here since; a pair signs for one day at a time, so its older key goes.
        entries.retain(|kept| !kept.secret.is_same(secret));
        if entries.len() == KEPT {
            entries.remove(0);
        }
        entries.push(entry);
        key
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyCache(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::hex;
    use crate::utc::SigningTime;

    fn secret(text: &str) -> AccessKeySecret {
        AccessKeySecret::new(text).unwrap()
    }

    fn scope(region: &Region, unix: i64) -> Scope<'_> {
        Scope { time: SigningTime::from_unix(unix).unwrap(), region, product: Product::Oss }
    }

    #[test]
    fn the_derived_key_is_that_of_the_published_example() {
        let region = Region::new("cn-hangzhou").unwrap();
        let key = SigningKey::derive(&secret("sk"), &scope(&region, 1_702_743_657));
        assert_eq!(hex(&*key.0), "b412a03b134ebddd720f5167b5de6db66620ebb3b01cff4d49e3ccb09f8de97f");
    }

    #[test]
    fn a_kept_key_is_never_used_for_another_secret_day_region_or_product() {
        let cache = KeyCache::default();
        let (hangzhou, beijing) = (Region::new("cn-hangzhou").unwrap(), Region::new("cn-beijing").unwrap());
        let midnight = 1_735_776_000;
        let cloud_box = Scope { product: Product::CloudBox, ..scope(&hangzhou, midnight) };
        for (text, scope) in [
            ("sk", scope(&hangzhou, midnight - 1)),
            ("sk", scope(&hangzhou, midnight)),
            ("sk2", scope(&hangzhou, midnight)),
            ("sk", scope(&beijing, midnight)),
            ("sk", cloud_box),
            ("sk", scope(&hangzhou, midnight + 86_399)),
            ("sk", scope(&hangzhou, midnight + 86_400)),
        ] {
            for _ in 0..2 {
                let kept = cache.key(&secret(text), &scope);
                assert_eq!(*kept.0, *SigningKey::derive(&secret(text), &scope).0);
            }
        }
    }

    #[test]
    fn no_more_than_a_few_keys_are_kept() {
        let cache = KeyCache::default();
        let region = Region::new("cn-hangzhou").unwrap();
        for number in 0..3 * KEPT {
            cache.key(&secret(&format!("sk{number}")), &scope(&region, 0));
        }
        assert_eq!(cache.lock().len(), KEPT);
        cache.key(&secret("sk47"), &scope(&region, 86_400));
        assert_eq!(cache.lock().iter().filter(|entry| entry.secret.is_same(&secret("sk47"))).count(), 1);
    }
}
