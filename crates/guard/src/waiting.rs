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
    /// How often this place is in the lists of waiters of undecided files. An aborted operation stays in those of its
    /// other reads, which would be slow to search, and its place is kept until they are decided as well.
    missing: usize,
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

    /// Gives an operation a place. What it waits for is told with `one_more`.
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

    /// An operation is entered in a list of waiters.
    pub(crate) fn one_more(&mut self, slot: Slot) {
        self.place(slot).missing += 1;
    }

    /// One file of an operation is ready. Hands the operation over when it was the last.
    pub(crate) fn one_is_ready(&mut self, slot: Slot) -> Option<Op> {
        if self.one_less(slot) { self.vacate(slot) } else { None }
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
