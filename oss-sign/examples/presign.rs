//! Prints a URL with which anybody may fetch one object for a quarter of an hour.
//!
//! `OSS_ACCESS_KEY_ID=… OSS_ACCESS_KEY_SECRET=… cargo run -p oss-sign --example presign -- cn-hangzhou my-bucket dir/key`

use std::error::Error;
use std::time::{Duration, SystemTime};

use http::Request;
use oss_sign::encode::encode_path;
use oss_sign::{Credentials, Region, Resource, SecurityToken, Signer, SigningTime};

fn main() -> Result<(), Box<dyn Error>> {
    let [region, bucket, key] = std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| {
        "usage: presign REGION BUCKET KEY, with OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET in the environment"
    })?;
    let mut credentials =
        Credentials::new(std::env::var("OSS_ACCESS_KEY_ID")?, std::env::var("OSS_ACCESS_KEY_SECRET")?)?;
    if let Ok(token) = std::env::var("OSS_SESSION_TOKEN") {
        credentials = credentials.with_security_token(SecurityToken::new(token)?);
    }
    let url = format!("https://{bucket}.oss-{region}.aliyuncs.com/{}", encode_path(&key));
    let mut head = Request::get(url).body(())?.into_parts().0;

    let signer = Signer::new(Region::new(region)?);
    let resource = Resource::Object { bucket: &bucket, key: &key };
    let now = SigningTime::try_from(SystemTime::now())?;
    signer.presign(&mut head, resource, &credentials, now, Duration::from_mins(15))?;
    println!("{}", head.uri);
    Ok(())
}
