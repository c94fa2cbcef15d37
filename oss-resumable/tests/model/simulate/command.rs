//! The command that a user runs again and again: what it asks for and what it may use.

use std::{num::NonZeroU16, time::Duration};

use oss_checkpoint::{BucketName, ByteCount, Job, ObjectKey, ObjectOptions, ServiceName, UploadId};
use oss_resumable::{Adopt, Limits, OnChange, PartSize, UploadSpec, Verify};

use super::Simulation;
use crate::world::BLOCK;

impl Simulation<'_> {
    pub(super) fn spec(&self) -> UploadSpec {
        let setting = &self.world.setting;
        let job = Job {
            service: ServiceName::new("local").unwrap(),
            bucket: BucketName::new("bucket").unwrap(),
            key: ObjectKey::new("key").unwrap(),
            source: b"/source".to_vec(),
        };
        UploadSpec {
            threshold: ByteCount::new(u64::from(setting.threshold_blocks) * BLOCK),
            part_size: PartSize::Wished(ByteCount::new(u64::from(setting.part_blocks) * BLOCK)),
            on_change: spec_on_change(setting.on_change),
            verify: spec_verify(setting.verify),
            adopt: match setting.adopt {
                0 => Adopt::This(UploadId::new("UPLOAD1").unwrap()),
                1..=3 => Adopt::Never,
                _ => Adopt::Auto,
            },
            options: ObjectOptions { forbid_overwrite: setting.forbid_overwrite, ..ObjectOptions::default() },
            ..UploadSpec::new(job, "oss.example", 1_000 + i64::try_from(self.now.as_secs()).unwrap())
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            concurrency: NonZeroU16::new(u16::from(self.world.setting.concurrency)).unwrap(),
            // One setting in four fixes it.
            max_concurrency: NonZeroU16::new(
                u16::from(self.world.setting.concurrency)
                    + u16::from(self.world.setting.seed.to_le_bytes()[0] % 4),
            )
            .unwrap(),
            flush_parts: 3,
            ask_from: ByteCount::new(u64::from(self.world.setting.ask_from) * BLOCK),
            give_up_after: Duration::from_secs(self.world.setting.patience.into()),
            seed: self.world.setting.seed,
            ..Limits::default()
        }
    }
}

pub(super) fn spec_verify(verify: u8) -> Verify {
    match verify {
        0 => Verify::None,
        1 | 2 => Verify::Full,
        _ => Verify::Auto,
    }
}

pub(super) fn spec_on_change(on_change: u8) -> OnChange {
    match on_change {
        0 => OnChange::Fail,
        1 => OnChange::Restart,
        _ => OnChange::Heal,
    }
}
