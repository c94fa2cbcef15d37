//! Signatures per second: with the day's key kept, and with a key derived for each; and what a server pays.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::Request;
use http::request::Parts;
use oss_sign::{Credentials, Region, Resource, SecurityToken, Signer, SigningTime, Verifier};

const RESOURCE: Resource<'_> =
    Resource::Object { bucket: "examplebucket", key: "backups/2025/01/02/disk image.bin" };
const DAY: i64 = 86_400;

fn upload_part() -> Parts {
    Request::put(
        "https://examplebucket.oss-cn-hangzhou.aliyuncs.com/backups/2025/01/02/disk%20image.bin\
         ?partNumber=17&uploadId=0004B9895DBBB6EC98E36FAKEUPLOADID",
    )
    .header("content-type", "application/octet-stream")
    .header("content-length", "10485760")
    .header("user-agent", "bench")
    .body(())
    .expect("a well-formed request")
    .into_parts()
    .0
}

fn time(unix: i64) -> SigningTime {
    SigningTime::from_unix(unix).expect("within the range")
}

fn signatures(criterion: &mut Criterion) {
    let region = Region::new("cn-hangzhou").expect("a region");
    let pair = Credentials::new("LTAIexample", "TheSecretOfTheExample0123456789").expect("a pair");
    let temporary =
        pair.clone().with_security_token(SecurityToken::new("CAIS".repeat(150)).expect("a token"));
    let (signer, verifier) = (Signer::new(region.clone()), Verifier::new(region));
    let mut head = upload_part();
    let mut group = criterion.benchmark_group("upload_part");
    group.throughput(Throughput::Elements(1));

    let now = time(1_735_787_045);
    group.bench_function("sign, key kept", |bencher| {
        bencher.iter(|| signer.sign(black_box(&mut head), RESOURCE, &pair, now));
    });
    group.bench_function("sign with a token, key kept", |bencher| {
        bencher.iter(|| signer.sign(black_box(&mut head), RESOURCE, &temporary, now));
    });
    let mut day = 0;
    group.bench_function("sign, key derived", |bencher| {
        bencher.iter(|| {
            day = (day + 1) % 20_000;
            signer.sign(black_box(&mut head), RESOURCE, &pair, time(day * DAY))
        });
    });
    group.bench_function("presign, key kept", |bencher| {
        let url = upload_part();
        bencher.iter_batched(
            || url.clone(),
            |mut url| signer.presign(black_box(&mut url), RESOURCE, &pair, now, Duration::from_mins(15)),
            criterion::BatchSize::SmallInput,
        );
    });
    signer.sign(&mut head, RESOURCE, &pair, now).expect("signed");
    group.bench_function("verify, key kept", |bencher| {
        bencher.iter(|| verifier.verify(black_box(&head), RESOURCE, &|_| Some(pair.clone()), now));
    });
    group.finish();
}

criterion_group!(benches, signatures);
criterion_main!(benches);
