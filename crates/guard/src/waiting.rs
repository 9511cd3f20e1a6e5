//! The operations that wait for files.

use crate::FileId;

/// The place of an operation among those that wait. It is given to another one as soon as no file refers to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(u32);

impl Slot {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A table of waiting operations, with places that are used again.
#[derive(Debug)]
pub(crate) struct Waiting<Op> {
    places: Vec<Place<Op>>,
    free: Vec<Slot>,
    added: u64,
}

#[derive(Debug)]
struct Place<Op> {
    /// `None` when the operation was aborted, or when the place is free.
    guarded: Option<Guarded<Op>>,
    /// In how many undecided files' lists of waiters this place is. An aborted operation stays in those of its
    /// other reads, which would be slow to search, and its place is kept until they are decided as well.
    missing: u32,
}

/// An operation that is neither ready nor aborted.
#[derive(Debug)]
pub(crate) struct Guarded<Op> {
    pub(crate) op: Op,
    pub(crate) writes: Box<[FileId]>,
    /// How many waited before it, since places say nothing about the order.
    pub(crate) added: u64,
}

impl<Op> Waiting<Op> {
    pub(crate) fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new(), added: 0 }
    }

    /// Lets an operation wait. `missing` has to be told how many files it waits for.
    pub(crate) fn insert(&mut self, op: Op, writes: &[FileId]) -> Slot {
        let guarded = Some(Guarded { op, writes: writes.into(), added: self.added });
        self.added += 1;
        if let Some(slot) = self.free.pop() {
            self.place(slot).guarded = guarded;
            return slot;
        }
        let slot =
            u32::try_from(self.places.len()).expect("memory ends before four thousand million operations");
        self.places.push(Place { guarded, missing: 0 });
        Slot(slot)
    }

    /// Sets how many files an operation waits for, which must be at least one.
    pub(crate) fn set_missing(&mut self, slot: Slot, missing: u32) {
        self.place(slot).missing = missing;
    }

    /// One file of an operation is ready. Hands the operation over when it was the last.
    pub(crate) fn one_is_ready(&mut self, slot: Slot) -> Option<Op> {
        self.one_less(slot).then(|| self.vacate(slot))?
    }

    /// One file of an operation will never be ready. Hands the operation over unless another one was the first.
    pub(crate) fn one_is_never(&mut self, slot: Slot) -> Option<Op> {
        if self.one_less(slot) {
            return self.vacate(slot);
        }
        self.place(slot).guarded.take().map(|guarded| guarded.op)
    }

    /// Whether the operation at a place is neither ready nor aborted, and what it is.
    pub(crate) fn guarded(&self, index: usize) -> Option<&Guarded<Op>> {
        self.places.get(index)?.guarded.as_ref()
    }

    /// How many places there are; the index of a guarded operation is below.
    pub(crate) fn places(&self) -> usize {
        self.places.len()
    }

    fn one_less(&mut self, slot: Slot) -> bool {
        let place = self.place(slot);
        place.missing -= 1;
        place.missing == 0
    }

    fn vacate(&mut self, slot: Slot) -> Option<Op> {
        self.free.push(slot);
        self.place(slot).guarded.take().map(|guarded| guarded.op)
    }

    fn place(&mut self, slot: Slot) -> &mut Place<Op> {
        self.places
            .get_mut(slot.index())
            .expect("a slot is the number of a place, and places are never removed")
    }
}
