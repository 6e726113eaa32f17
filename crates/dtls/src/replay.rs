//! The anti-replay window (RFC 6347 4.1.2.6).

/// Remembers which of the last 64 sequence numbers were received.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReplayWindow {
    /// One more than the highest number received; 0 before the first.
    next: u64,
    /// Bit `i` is set if the number `next - 1 - i` was received.
    seen: u64,
}

impl ReplayWindow {
    /// Whether the number is new: above the window, or inside it and not yet seen.
    pub(crate) const fn is_fresh(&self, sequence: u64) -> bool {
        match self.next.checked_sub(sequence) {
            None | Some(0) => true,
            Some(age @ 1..=64) => self.seen & (1 << (age - 1)) == 0,
            Some(_) => false,
        }
    }

    /// Records a number, which must come from an authenticated record.
    pub(crate) fn accept(&mut self, sequence: u64) {
        match self.next.checked_sub(sequence) {
            None | Some(0) => {
                let shift = sequence.saturating_sub(self.next).saturating_add(1);
                let shift = u32::try_from(shift).unwrap_or(u32::MAX);
                self.seen = self.seen.checked_shl(shift).unwrap_or(0) | 1;
                self.next = sequence.saturating_add(1);
            }
            Some(age @ 1..=64) => self.seen |= 1 << (age - 1),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ReplayWindow;

    fn accept(window: &mut ReplayWindow, sequence: u64) -> bool {
        let fresh = window.is_fresh(sequence);
        if fresh {
            window.accept(sequence);
        }
        fresh
    }

    // RFC 6347 4.1.2.6
    #[test]
    fn each_number_is_accepted_once() {
        let mut window = ReplayWindow::default();
        for sequence in [0, 1, 2, 5, 3] {
            assert!(accept(&mut window, sequence));
            assert!(!accept(&mut window, sequence));
        }
        assert!(accept(&mut window, 4));
    }

    #[test]
    fn sixty_four_numbers_back_are_remembered_and_no_more() {
        let mut window = ReplayWindow::default();
        assert!(accept(&mut window, 100));
        assert!(accept(&mut window, 37));
        assert!(!accept(&mut window, 37));
        assert!(!accept(&mut window, 36));
    }

    #[test]
    fn a_jump_ahead_is_accepted_and_forgets_the_past() {
        let mut window = ReplayWindow::default();
        assert!(accept(&mut window, 3));
        assert!(accept(&mut window, (1 << 48) - 1));
        assert!(!accept(&mut window, 3));
        assert!(accept(&mut window, (1 << 48) - 2));
        assert!(!accept(&mut window, (1 << 48) - 1));
    }

    #[test]
    fn a_jump_by_exactly_the_window_keeps_no_old_number() {
        let mut window = ReplayWindow::default();
        assert!(accept(&mut window, 0));
        assert!(accept(&mut window, 64));
        assert!(!accept(&mut window, 0));
        assert!(accept(&mut window, 1));
    }
}
