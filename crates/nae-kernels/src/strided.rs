//! Products of matrices that are slices.

/// A matrix in a slice.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a> {
    values: &'a [f32],
    shape: [usize; 2],
    strides: [usize; 2],
}

impl<'a> Strided<'a> {
    /// Row after row.
    ///
    /// # Panics
    /// If there are not as many values.
    pub(crate) fn rows(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns);
        Self {
            values,
            shape: [rows, columns],
            strides: [columns, 1],
        }
    }

    /// The transposed matrix.
    pub(crate) fn transposed(self) -> Self {
        let ([rows, columns], [down, right]) = (self.shape, self.strides);
        Self {
            values: self.values,
            shape: [columns, rows],
            strides: [right, down],
        }
    }
}

/// `C ← A·B`, or `C ← C + A·B`, row after row, on this thread.
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn product(c: &mut [f32], a: Strided<'_>, b: Strided<'_>, is_added: bool) {
    let ([rows, inner], [same, columns]) = (a.shape, b.shape);
    assert!(inner == same && c.len() == rows * columns);
    #[allow(unsafe_code, reason = "the matrix product library takes pointers")]
    // SAFETY: `c` has room for the product, checked here; the factors lie within their slices,
    // checked when they were made.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            c.as_mut_ptr(),
            1,
            columns as isize,
            is_added,
            a.values.as_ptr(),
            a.strides[1] as isize,
            a.strides[0] as isize,
            b.values.as_ptr(),
            b.strides[1] as isize,
            b.strides[0] as isize,
            f32::from(u8::from(is_added)),
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_added_or_put_in_their_place() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.5, -1.0]);
        let a = Strided::rows(&a, 2, 3);
        let mut c = [10.0, 20.0];
        product(&mut c, a, Strided::rows(&b, 3, 1), true);
        assert_eq!(c, [9.0, 20.5]);
        product(&mut c, Strided::rows(&b, 1, 3), a.transposed(), false);
        assert_eq!(c, [-1.0, 0.5]);
    }
}
