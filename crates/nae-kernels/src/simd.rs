//! Vector code chosen at run time: a loop is compiled for several generations of processors, and the
//! widest instruction set that the present one has is dispatched to.

/// Elements that are summed side by side: the compiler does not reorder a sum of floats, so the
/// order must have room for vectors already.
pub(crate) const LANES: usize = 16;

/// A loop to be compiled for several instruction sets.
pub(crate) trait SimdLoop {
    /// What the loop gives.
    type Output;
    /// The loop; mark it and all it calls `inline(always)`.
    ///
    /// `FMA` says whether the instruction set has fused multiply-add.
    fn run<const FMA: bool>(self) -> Self::Output;
}

/// Runs a loop as compiled for the widest registers that this processor has.
#[inline(always)]
pub(crate) fn dispatch<L: SimdLoop>(body: L) -> L::Output {
    struct Runner<L>(L);
    impl<L: SimdLoop> pulp::WithSimd for Runner<L> {
        type Output = L::Output;
        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) -> L::Output {
            if S::IS_SCALAR {
                self.0.run::<false>()
            } else {
                self.0.run::<true>()
            }
        }
    }
    pulp::Arch::new().dispatch(Runner(body))
}
