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
    /// Granted last and not known to have failed: taken back if it did.
    pending: usize,
}

impl Share {
    fn new(most: usize) -> Self {
        Self { used: 0, most, pending: 0 }
    }

    fn grow(&mut self, by: usize) -> bool {
        match self.used.checked_add(by).filter(|used| *used <= self.most) {
            Some(used) => {
                self.used = used;
                self.pending = by;
                true
            }
            None => {
                self.pending = 0;
                false
            }
        }
    }

    fn failed(&mut self) {
        self.used = self.used.saturating_sub(std::mem::take(&mut self.pending));
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

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory.failed();
        Ok(())
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

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.tables.failed();
        Ok(())
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
