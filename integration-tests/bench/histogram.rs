//! Histogram: durations in buckets that grow with them, so that recording one costs nothing.

use std::time::Duration;

/// Buckets per power of two: a quantile is exact to less than 1 %.
const STEPS: u32 = 128;

/// Powers of two above the first [`STEPS`] nanoseconds: the last bucket holds all above 18 minutes.
const MAGNITUDES: u32 = 33;

/// Log-linear: below [`STEPS`] ns each nanosecond has a bucket, above each power of two has
/// [`STEPS`] of equal width.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

// === impl Histogram ===

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            buckets: vec![0; ((MAGNITUDES + 1) * STEPS) as usize],
            count: 0,
        }
    }

    pub(crate) fn record(&mut self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let last = self.buckets.len() - 1;
        if let Some(bucket) = self.buckets.get_mut(index(nanoseconds).min(last)) {
            *bucket += 1;
            self.count += 1;
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The duration that `share` (0 to 1) of all do not exceed: the middle of its bucket.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let rank = ((share * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        let bucket = bucket.unwrap_or_default();
        Duration::from_nanos(u64::midpoint(lowest(bucket), lowest(bucket + 1)))
    }
}

fn index(nanoseconds: u64) -> usize {
    let steps = u64::from(STEPS);
    let magnitude = (nanoseconds | (steps - 1)).ilog2() + 1 - STEPS.ilog2();
    let width = magnitude.saturating_sub(1);
    (u64::from(width) * steps + (nanoseconds >> width)) as usize
}

fn lowest(bucket: usize) -> u64 {
    let (bucket, steps) = (bucket as u64, u64::from(STEPS));
    let width = (bucket / steps).saturating_sub(1);
    (bucket - width * steps) << width
}
