//! Convolutions, and linear layers as convolutions of images of one position: `kernels/conv2d*.cu`, and for most of them
//! `kernels/conv3x3*.cu`; on tensor cores, `kernels/tensor_*.cu`.
//!
//! The phases of normalisations that the plan leaves to a convolution are done on the way, by the same launches.

mod shape;
mod tensor;

use nn_engine::plan::{GradientFlow, Group};

pub(crate) use self::shape::Shape;
use self::shape::{Form, Product, WeightProduct};
use super::normalisation;
use crate::arguments::{self, Finish, Span};
use crate::launch::{Kernel, Program};
use crate::layout::Layout;
use crate::pass::{Pass, Towards, flow, partials};

fn shape(pass: &Pass<'_>, index: usize) -> Option<Shape> {
    let blueprint = pass.blueprint;
    let group = &blueprint.plan.groups()[index];
    let node = blueprint.graph.node(group.head);
    Shape::of(&blueprint.graph, node, blueprint.options.products)
}

/// Launches a product whose target has this layout.
fn launch(
    pass: &Pass<'_>,
    program: &mut Program,
    product: Product,
    target: Layout,
    mut arguments: arguments::Convolution,
) {
    let sums = arguments.finish.partials.values.first != 0;
    // Images of one position are rows of one image where nothing is summed for a normalisation, and rows of one class.
    let one = !product.tiled && !sums && product.tiling.stride == 1 && target.positions() == 1;
    let (sets, rows) = if one {
        (1, pass.images)
    } else {
        (pass.images, target.positions())
    };
    arguments.rows = rows as i32;
    let tiles = if one {
        rows.div_ceil(product.tiling.tile_width)
    } else {
        product.tiling.tiles()
    };
    let (tiles, columns) = (sets * tiles, target.stored.div_ceil(product.columns));
    let products = pass.blueprint.options.products;
    let span = match tensor::blocks_at_once(product.kernel, products, &arguments.sizes) {
        Some(at_once) => span(
            tiles,
            columns * pass.replicas.len(),
            at_once,
            pass.multiprocessors,
        ),
        None => 1,
    };
    (arguments.tiles, arguments.span) = (tiles as i32, span as i32);
    let blocks = [tiles.div_ceil(span), columns];
    pass.launch(program, product.kernel, blocks, arguments);
}

/// Tiles that a block takes one after the other, of so many tiles for each of some `sets` of blocks: as many as are soonest done by
/// multiprocessors that have so many blocks at once, and no fewer. What a block begins with, copying its weight above all, is
/// taken to be half a tile's work. Nothing that is found depends on it.
fn span(tiles: usize, sets: usize, at_once: usize, multiprocessors: usize) -> usize {
    let blocks = |span: usize| tiles.div_ceil(span) * sets;
    let most = (1..=tiles).take_while(|&span| blocks(span) >= at_once * multiprocessors);
    let work = |&span: &usize| blocks(span).div_ceil(multiprocessors) * (2 * span + 1);
    most.min_by_key(work).unwrap_or(1)
}

pub(super) fn forward(pass: &Pass<'_>, index: usize, program: &mut Program) {
    let Some(shape) = shape(pass, index) else {
        return;
    };
    let plan = &pass.blueprint.plan;
    let group = &plan.groups()[index];
    let norm = plan
        .statistics_for(index)
        .and_then(|group| pass.blueprint.norm(group));
    let norm = norm.filter(|&norm| pass.needs_statistics(norm));
    let addend = group.add.and(group.inputs.last());
    let product = shape.forward();
    let arguments = arguments::Convolution {
        source: pass.input(group),
        weight: factors(pass, &shape, Towards::Output),
        bias: pass.parameter(shape.bias),
        addend: addend.map_or(Span::NONE, |&node| pass.activation(node)),
        target: pass.activation(group.output),
        finish: finish(pass, norm, Towards::Output, product),
        sizes: shape.sizes(),
        flow: arguments::Flow::Write,
        ..arguments::Convolution::default()
    };
    launch(pass, program, product, shape.output, arguments);
}

/// The weight, as the kernel reads it that writes in this direction.
fn factors(pass: &Pass<'_>, shape: &Shape, towards: Towards) -> Span {
    match shape.on_tensor_cores {
        false => pass.parameter(Some(shape.weight)),
        true => pass.rounded(shape.weight, towards),
    }
}

/// What becomes of sums for a normalisation, and how images are cut; the latter also where there is none.
fn finish(pass: &Pass<'_>, norm: Option<usize>, towards: Towards, product: Product) -> Finish {
    match norm {
        Some(norm) => pass.finish(norm, towards),
        None => Finish {
            partials: partials(Span::NONE, product.tiling),
            ..Finish::default()
        },
    }
}

pub(super) fn backward(pass: &Pass<'_>, index: usize, program: &mut Program) {
    let Some(shape) = shape(pass, index) else {
        return;
    };
    let plan = &pass.blueprint.plan;
    let group = &plan.groups()[index];
    // What a normalisation left to this group is put in its place where others read it, too.
    if plan.gradient_slot(group.output).is_some()
        && let Some(norm) = plan
            .pending(index)
            .and_then(|from| pass.blueprint.norm(from))
    {
        normalisation::input_gradient(pass, norm, program);
    }
    bias_gradient(pass, index, &shape, program);
    let with_input = wants_input_gradient(group);
    let trained = pass.blueprint.parameters.slots[shape.weight].trained;
    let sizes = (pass.images, pass.blueprint.options.batch_size);
    let product = trained.then(|| shape.weight_product(with_input, sizes));
    if let Some(product) = product {
        weight_gradient(pass, index, &shape, product, program);
    }
    let is_found = product.is_some_and(|product| matches!(product.form, Form::Both(_)));
    if with_input && !is_found {
        let product = shape.backward();
        let arguments = input_gradient(pass, index, &shape, product);
        launch(pass, program, product, shape.input, arguments);
    }
    if let (Some(_), Some(&addend)) = (group.add, group.inputs.last()) {
        let how = group.gradients[group.inputs.len() - 1];
        super::add::pass_on(pass, (group.output, addend), how, program);
    }
}

/// Whether the gradient of what a convolution reads is wanted.
pub(crate) fn wants_input_gradient(group: &Group) -> bool {
    group.gradients[0] != GradientFlow::None
}

/// Launches the kernel that finds the gradient of the weight, alone or with that of the input.
fn weight_gradient(
    pass: &Pass<'_>,
    index: usize,
    shape: &Shape,
    product: WeightProduct,
    program: &mut Program,
) {
    let group = &pass.blueprint.plan.groups()[index];
    let (input, gradient) = (pass.input(group), pass.output_gradient(index));
    let parts = pass.parts(Some(shape.weight));
    let output = shape.output;
    if let Form::Both(tiling) = product.form {
        let arguments = arguments::Gradients {
            convolution: arguments::Convolution {
                tiles: (pass.images * tiling.tiles()) as i32,
                span: product.cut.length as i32,
                ..input_gradient(pass, index, shape, shape.backward())
            },
            input,
            parts,
        };
        let blocks = [product.cut.count, product.blocks];
        pass.launch(program, product.kernel, blocks, arguments);
        return;
    }
    if let Form::Tensor(tiling) = product.form {
        let arguments = arguments::TensorGradient {
            input,
            gradient,
            parts,
            sizes: shape.sizes(),
            tiles: (pass.images * tiling.tiles()) as i32,
            span: product.cut.length as i32,
        };
        let blocks = [product.blocks, product.cut.count];
        pass.launch(program, product.kernel, blocks, arguments);
        return;
    }
    if let Form::Tiled(tiling) = product.form {
        let arguments = arguments::TiledGradient {
            input,
            gradient,
            parts,
            height: output.height as i32,
            width: output.width as i32,
            in_channels: shape.input.stored as i32,
            out_channels: output.stored as i32,
            tiles: (pass.images * tiling.tiles()) as i32,
            span: product.cut.length as i32,
        };
        let blocks = [product.blocks, product.cut.count];
        pass.launch(program, product.kernel, blocks, arguments);
        return;
    }
    let arguments = arguments::WeightGradient {
        input,
        gradient,
        parts,
        sizes: shape.sizes(),
        positions: (pass.images * output.positions()) as i32,
        span: product.cut.length as i32,
    };
    let columns = match product.kernel {
        Kernel::WeightGradient144x16 => 16,
        _ => 32,
    };
    let columns = output.stored.div_ceil(columns);
    let blocks = [product.blocks, product.cut.count * columns];
    pass.launch(program, product.kernel, blocks, arguments);
}

fn bias_gradient(pass: &Pass<'_>, index: usize, shape: &Shape, program: &mut Program) {
    let slots = &pass.blueprint.parameters.slots;
    let Some(bias) = shape.bias.filter(|&bias| slots[bias].trained) else {
        return;
    };
    let cut = shape.bias_cut(pass.images, pass.blueprint.options.batch_size);
    let output = shape.output;
    let arguments = arguments::BiasGradient {
        gradient: pass.output_gradient(index),
        parts: pass.parts(Some(bias)),
        positions: (pass.images * output.positions()) as i32,
        span: cut.length as i32,
        image_positions: output.positions() as i32,
        channels: output.stored as i32,
    };
    let blocks = [output.stored.div_ceil(64), cut.count];
    pass.launch(program, Kernel::BiasGradient, blocks, arguments);
}

/// What a launch that finds the gradient of the input is given.
fn input_gradient(
    pass: &Pass<'_>,
    index: usize,
    shape: &Shape,
    product: Product,
) -> arguments::Convolution {
    let plan = &pass.blueprint.plan;
    let group = &plan.groups()[index];
    let input = group.inputs[0];
    let completes = plan
        .gradient_sums_for(index)
        .filter(|&norm| plan.groups()[norm].trains);
    let norm = completes.and_then(|group| pass.blueprint.norm(group));
    arguments::Convolution {
        source: pass.output_gradient(index),
        weight: factors(pass, shape, Towards::Input),
        target: pass.gradient(input),
        stored: pass.activation(input),
        finish: finish(pass, norm, Towards::Input, product),
        sizes: shape.sizes(),
        flow: flow(group.gradients[0]),
        mask: norm.map_or(arguments::Mask::None, |norm| {
            normalisation::mask(pass, norm)
        }),
        ..arguments::Convolution::default()
    }
}
