//! One upload by opendal's OSS service, for `cargo xtask bench`.

use std::{env, fs::File, io::Read};

use opendal::{Operator, layers::RetryLayer, services::Oss};

/// `FILE BUCKET KEY ENDPOINT PART_SIZE_BYTES PARALLEL CHECKPOINT_DIR`; the last one is not used: opendal keeps none.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file, bucket, key, endpoint, part_size, parallel, _] = arguments.as_slice() else {
        return Err("seven arguments are expected".into());
    };
    let service = Oss::default()
        .bucket(bucket)
        .endpoint(endpoint)
        .addressing_style("path")
        .access_key_id(&env::var("OSS_ACCESS_KEY_ID")?)
        .access_key_secret(&env::var("OSS_ACCESS_KEY_SECRET")?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let operator = Operator::new(service)?.layer(RetryLayer::new());
    runtime.block_on(upload(&operator, File::open(file)?, key, part_size.parse()?, parallel.parse()?))
}

async fn upload(
    operator: &Operator,
    mut file: File,
    key: &str,
    part_size: usize,
    parallel: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut writer = operator.writer_with(key).chunk(part_size).concurrent(parallel).await?;
    loop {
        let mut part = Vec::with_capacity(part_size);
        if file.by_ref().take(u64::try_from(part_size)?).read_to_end(&mut part)? == 0 {
            break;
        }
        writer.write(part).await?;
    }
    writer.close().await?;
    Ok(())
}
