//! What the backends are extended by.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, backend_extension};

use crate::activation::{self, Activation};
use crate::adam::{self, AdamStep};
use crate::divergence::Scale;
use crate::rprop::{self, RpropFactors};
use crate::temporal::{self, Taps, Way};
use crate::{columns, divergence, mask_loss, penalty, product, quotient};

/// Differentiable operations.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Kernels: Backend {
    /// See [`crate::activate`].
    fn activate(x: FloatTensor<Self>, g: Activation) -> FloatTensor<Self>;

    /// See [`crate::divergence`].
    fn divergence(
        products: FloatTensor<Self>,
        target: FloatTensor<Self>,
        g: Activation,
        scale: Scale,
    ) -> FloatTensor<Self>;

    /// See [`crate::mean_abs`].
    fn mean_abs(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// See [`crate::mask_loss`].
    fn mask_loss(
        estimates: FloatTensor<Self>,
        mixture: FloatTensor<Self>,
        targets: FloatTensor<Self>,
        share: f64,
    ) -> FloatTensor<Self>;

    /// See [`crate::product`].
    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;

    /// See [`crate::temporal`].
    fn temporal(x: FloatTensor<Self>, taps: FloatTensor<Self>, places: Taps) -> FloatTensor<Self>;
}

/// Operations of updates, off the tape.
#[backend_extension(Flex)]
pub(crate) trait Updates: Backend {
    /// One step of Adam: parameter and both moments after it.
    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// See [`crate::columns`].
    fn columns(rows: FloatTensor<Self>, chosen: Vec<i32>, scenes: usize) -> FloatTensor<Self>;

    /// See [`crate::quotient`].
    fn quotient(x: FloatTensor<Self>, y: FloatTensor<Self>, floor: f64) -> FloatTensor<Self>;

    /// One step of iRprop−: parameter, step sizes and signs after it.
    fn rprop(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        step: FloatTensor<Self>,
        sign: FloatTensor<Self>,
        factors: RpropFactors,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// The passes that differentiable operations are made of.
pub(crate) trait Passes: Backend {
    /// `g(x)`, and what [`activation_gradient`](Self::activation_gradient) needs of it.
    fn activation(
        x: FloatTensor<Self>,
        g: Activation,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>);

    /// `gradient·g′`, from what [`activation`](Self::activation) kept.
    fn activation_gradient(
        kept: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        g: Activation,
    ) -> FloatTensor<Self>;

    /// The divergence of every scene, and its gradient with respect to the products.
    fn divergence_and_gradient(
        products: FloatTensor<Self>,
        target: FloatTensor<Self>,
        g: Activation,
        scale: Scale,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Every scene's part of a tensor times that scene's factor.
    fn scale_scenes(tensor: FloatTensor<Self>, factors: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Sign of `x` times its scene's factor over the number of the scene's elements.
    fn mean_abs_gradient(x: FloatTensor<Self>, factors: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The error of ratio masks, and its gradient with respect to the estimates.
    fn mask_loss_and_gradient(
        estimates: FloatTensor<Self>,
        mixture: FloatTensor<Self>,
        targets: FloatTensor<Self>,
        share: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradient of [`Kernels::product`] with respect to its left factor.
    fn left_gradient(gradient: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The same with respect to its right factor.
    fn right_gradient(gradient: FloatTensor<Self>, a: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Gradient of [`Kernels::temporal`] with respect to its input.
    fn temporal_input_gradient(
        gradient: FloatTensor<Self>,
        taps: FloatTensor<Self>,
        places: Taps,
    ) -> FloatTensor<Self>;

    /// The same with respect to the taps, which come back in the shape of `like`.
    fn temporal_tap_gradient(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        like: FloatTensor<Self>,
        places: Taps,
    ) -> FloatTensor<Self>;
}

impl Kernels for Flex {
    fn activate(x: FloatTensor<Self>, g: Activation) -> FloatTensor<Self> {
        activation::forward(x, g).0
    }

    fn divergence(
        products: FloatTensor<Self>,
        target: FloatTensor<Self>,
        g: Activation,
        scale: Scale,
    ) -> FloatTensor<Self> {
        divergence::forward(products, target, g, scale).0
    }

    fn mean_abs(x: FloatTensor<Self>) -> FloatTensor<Self> {
        penalty::forward(&x)
    }

    fn mask_loss(
        estimates: FloatTensor<Self>,
        mixture: FloatTensor<Self>,
        targets: FloatTensor<Self>,
        share: f64,
    ) -> FloatTensor<Self> {
        mask_loss::forward(estimates, mixture, targets, share).0
    }

    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        product::multiply(&a, &b)
    }

    fn temporal(x: FloatTensor<Self>, taps: FloatTensor<Self>, places: Taps) -> FloatTensor<Self> {
        temporal::filter(x, taps, places, Way::Forward)
    }
}

impl<B: Kernels + Passes, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn activate(x: FloatTensor<Self>, g: Activation) -> FloatTensor<Self> {
        activation::tracked::<B, C>(x, g)
    }

    fn divergence(
        products: FloatTensor<Self>,
        target: FloatTensor<Self>,
        g: Activation,
        scale: Scale,
    ) -> FloatTensor<Self> {
        divergence::tracked::<B, C>(products, target, g, scale)
    }

    fn mean_abs(x: FloatTensor<Self>) -> FloatTensor<Self> {
        penalty::tracked::<B, C>(x)
    }

    fn mask_loss(
        estimates: FloatTensor<Self>,
        mixture: FloatTensor<Self>,
        targets: FloatTensor<Self>,
        share: f64,
    ) -> FloatTensor<Self> {
        mask_loss::tracked::<B, C>(estimates, mixture, targets, share)
    }

    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        product::tracked::<B, C>(a, b)
    }

    fn temporal(x: FloatTensor<Self>, taps: FloatTensor<Self>, places: Taps) -> FloatTensor<Self> {
        temporal::tracked::<B, C>(x, taps, places)
    }
}

impl Updates for Flex {
    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        adam::update(parameter, gradient, first, second, step)
    }

    fn columns(rows: FloatTensor<Self>, chosen: Vec<i32>, scenes: usize) -> FloatTensor<Self> {
        columns::gather(rows, &chosen, scenes)
    }

    fn quotient(x: FloatTensor<Self>, y: FloatTensor<Self>, floor: f64) -> FloatTensor<Self> {
        quotient::divide(x, y, floor)
    }

    fn rprop(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        step: FloatTensor<Self>,
        sign: FloatTensor<Self>,
        factors: RpropFactors,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        rprop::update(parameter, gradient, step, sign, factors)
    }
}

impl Passes for Flex {
    fn activation(
        x: FloatTensor<Self>,
        g: Activation,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>) {
        activation::forward(x, g)
    }

    fn activation_gradient(
        kept: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        g: Activation,
    ) -> FloatTensor<Self> {
        activation::backward(&kept, gradient, g)
    }

    fn divergence_and_gradient(
        products: FloatTensor<Self>,
        target: FloatTensor<Self>,
        g: Activation,
        scale: Scale,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        divergence::forward(products, target, g, scale)
    }

    fn scale_scenes(tensor: FloatTensor<Self>, factors: FloatTensor<Self>) -> FloatTensor<Self> {
        divergence::scale_scenes(tensor, &factors)
    }

    fn mean_abs_gradient(x: FloatTensor<Self>, factors: FloatTensor<Self>) -> FloatTensor<Self> {
        penalty::backward(x, &factors)
    }

    fn mask_loss_and_gradient(
        estimates: FloatTensor<Self>,
        mixture: FloatTensor<Self>,
        targets: FloatTensor<Self>,
        share: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        mask_loss::forward(estimates, mixture, targets, share)
    }

    fn left_gradient(gradient: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        product::left_gradient(&gradient, &b)
    }

    fn right_gradient(gradient: FloatTensor<Self>, a: FloatTensor<Self>) -> FloatTensor<Self> {
        product::right_gradient(&gradient, &a)
    }

    fn temporal_input_gradient(
        gradient: FloatTensor<Self>,
        taps: FloatTensor<Self>,
        places: Taps,
    ) -> FloatTensor<Self> {
        temporal::filter(gradient, taps, places, Way::Mirrored)
    }

    fn temporal_tap_gradient(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        like: FloatTensor<Self>,
        places: Taps,
    ) -> FloatTensor<Self> {
        let kernel = like.layout().shape().as_slice()[1];
        temporal::tap_gradient(x, gradient, kernel, places)
    }
}
