//! Memory and tables, counted over the whole store: many small ones are as bad as a big one.

use wasmtime::ResourceLimiter;

use crate::limits::Limits;

/// What a store has taken, and what it may take.
pub(crate) struct Meter {
    memory: Share,
    tables: Share,
    instances: usize,
    /// The limit that was hit, for telling why a call failed.
    pub(crate) hit: Option<String>,
}

#[derive(Clone, Copy)]
struct Share {
    used: usize,
    most: usize,
}

impl Share {
    fn new(most: usize) -> Self {
        Self { used: 0, most }
    }

    /// What was granted stays counted, even where the system then had no room for it: the engine also tells of
    /// failures that it never asked about, and nothing says which growth a failure belongs to.
    fn grow(&mut self, by: usize) -> bool {
        match self.used.checked_add(by).filter(|used| *used <= self.most) {
            Some(used) => {
                self.used = used;
                true
            }
            None => false,
        }
    }
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory: Share::new(limits.memory_bytes),
            tables: Share::new(limits.table_elements),
            instances: limits.instances,
            hit: None,
        }
    }

    /// Bytes of all memories.
    pub(crate) fn memory_used(&self) -> usize {
        self.memory.used
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let within = maximum.is_none_or(|maximum| desired <= maximum);
        let granted = within && self.memory.grow(desired.saturating_sub(current));
        if within && !granted {
            self.hit = Some(format!("more memory than {} bytes", self.memory.most));
        }
        Ok(granted)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let within = maximum.is_none_or(|maximum| desired <= maximum);
        let granted = within && self.tables.grow(desired.saturating_sub(current));
        if within && !granted {
            self.hit = Some(format!("more table elements than {}", self.tables.most));
        }
        Ok(granted)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.instances
    }

    fn memories(&self) -> usize {
        self.instances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growth_that_fails_without_having_been_asked_about_gives_nothing_back() {
        let mut limits = Limits::default();
        (limits.memory_bytes, limits.table_elements) = (100, 100);
        let mut meter = Meter::new(&limits);
        let failed = || wasmtime::Error::msg("it overflows");
        for grown in [40, 80] {
            assert!(meter.memory_growing(grown - 40, grown, None).unwrap());
            meter.memory_grow_failed(failed()).unwrap();
            assert!(meter.table_growing(grown - 40, grown, None).unwrap());
            meter.table_grow_failed(failed()).unwrap();
        }
        assert!(!meter.memory_growing(80, 120, None).unwrap());
        assert!(!meter.table_growing(80, 120, None).unwrap());
        assert_eq!(meter.memory_used(), 80);
    }
}
