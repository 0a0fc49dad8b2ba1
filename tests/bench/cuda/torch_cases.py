"""Times what PyTorch does for the rows of bench_cuda: torch_cases.py WORKS TIMES [--cpu]

WORKS is what `bench_cuda --list` prints: a name and sizes on each line. TIMES gets "work,seconds" lines, and lines that
begin with # and say what is missing. The times are taken as bench_cuda takes them: events, the median of single runs,
much more memory written before each than the cache holds. --cpu runs everything once on the CPU and takes no times that
mean anything: it shows that every name is known and runs.
"""

import statistics
import sys
import time

WARM_UP, LEAST_ROUNDS, MOST_ROUNDS, WARM_RUNS, SECONDS = 3, 5, 50, 50, 0.5


def works_of(torch, device):
    """By name: a function of the sizes that prepares the operands and returns what is to be timed."""
    F, grad_of = torch.nn.functional, torch.autograd.grad

    def rand(*shape):
        return torch.rand(shape, device=device) * 2 - 1

    def leaf(*shape):
        return rand(*shape).requires_grad_()

    def ints(n, below):
        return torch.randint(0, below, (n,), device=device)

    def gemm(batch, m, n, k, trans_a, trans_b):
        a = rand(batch, k, m).transpose(1, 2) if trans_a else rand(batch, m, k)
        b = rand(batch, n, k).transpose(1, 2) if trans_b else rand(batch, k, n)
        out = rand(batch, m, n)
        if batch == 1:
            a, b, out = a[0], b[0], out[0]
        return lambda: torch.matmul(a, b, out=out)

    def conv(part):
        def make(n, c, size, o, kernel, stride, pad, groups):
            x, w = rand(n, c, size, size), rand(o, c // groups, kernel, kernel)
            if part == "forward":
                return lambda: F.conv2d(x, w, None, stride, pad, 1, groups)
            grad = torch.rand_like(F.conv2d(x, w, None, stride, pad, 1, groups))
            mask = [part == "grad_x", part == "grad_w", False]
            return lambda: torch.ops.aten.convolution_backward(
                grad, x, w, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], groups, mask)
        return make

    def conv_grad_bias(n, o, size):
        grad = rand(n, o, size, size)
        return lambda: grad.sum((0, 2, 3))

    def unary(function):
        def make(n):
            x = rand(n)
            return lambda: function(x)
        return make

    def binary(function):
        def make(n):
            x, y = rand(n), rand(n)
            return lambda: function(x, y)
        return make

    def rows(function):
        def make(rows, cols):
            x = rand(rows, cols)
            return lambda: function(x)
        return make

    def add_row(rows, cols):
        x, row = rand(rows, cols), rand(cols)
        return lambda: torch.add(x, row)

    def copy(rows, cols):
        x, out = rand(rows, cols), rand(rows, cols)
        return lambda: out.copy_(x)

    def copy_transposed(rows, cols):
        x, out = rand(rows, cols), rand(cols, rows)
        return lambda: out.copy_(x.t())

    def dropout_mask(n):
        x, kept = rand(n), torch.rand(n, device=device) < 0.5
        return lambda: torch.ops.aten.native_dropout_backward(x, kept, 2.0)

    def where(n):
        chosen, x, y = torch.rand(n, device=device) < 0.5, rand(n), rand(n)
        return lambda: torch.where(chosen, x, y)

    def arange(n):
        out = rand(n)
        return lambda: torch.arange(0, n / 2, 0.5, out=out)

    def filled(function, dtype=torch.float32):
        def make(n):
            x = torch.empty(n, dtype=dtype, device=device)
            return lambda: function(x)
        return make

    def softmax_backward(rows, cols):
        grad, y = rand(rows, cols), torch.softmax(rand(rows, cols), 1)
        return lambda: torch.ops.aten._softmax_backward_data(grad, y, 1, torch.float32)

    def cross_entropy(rows, cols):
        x, target = rand(rows, cols), ints(rows, cols)
        return lambda: F.cross_entropy(x, target)

    def gradient(loss, inputs):
        """The backward pass alone: the graph is kept, and the gradients go nowhere."""
        grad = torch.rand_like(loss)
        return lambda: grad_of(loss, inputs, grad, retain_graph=True)

    def cross_entropy_backward(rows, cols):
        x = leaf(rows, cols)
        return gradient(F.cross_entropy(x, ints(rows, cols)), [x])

    def nll_loss(rows, cols):
        x, target = rand(rows, cols), ints(rows, cols)
        return lambda: F.nll_loss(x, target)

    def nll_loss_backward(rows, cols):
        x = leaf(rows, cols)
        return gradient(F.nll_loss(x, ints(rows, cols)), [x])

    def mse_loss(rows, cols):
        x, y = rand(rows, cols), rand(rows, cols)
        return lambda: F.mse_loss(x, y)

    def mse_loss_backward(rows, cols):
        x = leaf(rows, cols)
        return gradient(F.mse_loss(x, rand(rows, cols)), [x])

    def max_pool(planes, size, kernel, stride, pad):
        x = rand(1, planes, size, size)
        return lambda: torch.ops.aten.max_pool2d_with_indices(x, [kernel] * 2, [stride] * 2, [pad] * 2)

    def max_pool_backward(planes, size, kernel, stride, pad):
        x = leaf(1, planes, size, size)
        return gradient(F.max_pool2d(x, kernel, stride, pad), [x])

    def avg_pool(planes, size, kernel, stride, pad):
        x = rand(1, planes, size, size)
        return lambda: F.avg_pool2d(x, kernel, stride, pad)

    def avg_pool_backward(planes, size, kernel, stride, pad):
        x = leaf(1, planes, size, size)
        return gradient(F.avg_pool2d(x, kernel, stride, pad), [x])

    def global_pool(planes, size, _kernel, _stride, _pad):
        x = rand(1, planes, size, size)
        return lambda: F.adaptive_avg_pool2d(x, 1)

    def global_pool_backward(planes, size, _kernel, _stride, _pad):
        x = leaf(1, planes, size, size)
        return gradient(F.adaptive_avg_pool2d(x, 1), [x])

    def batch_norm(n, channels, size):
        x, w, b = rand(n, channels, size, size), rand(channels), rand(channels)
        mean, var = torch.zeros_like(w), torch.ones_like(w)
        return lambda: F.batch_norm(x, mean, var, w, b, True, 0.1, 1e-5)

    def batch_norm_backward(n, channels, size):
        x, w, b = leaf(n, channels, size, size), leaf(channels), leaf(channels)
        return gradient(F.batch_norm(x, None, None, w, b, True, 0.1, 1e-5), [x, w, b])

    def layer_norm(rows, cols):
        x, w, b = rand(rows, cols), rand(cols), rand(cols)
        return lambda: F.layer_norm(x, [cols], w, b)

    def layer_norm_backward(rows, cols):
        x, w, b = leaf(rows, cols), leaf(cols), leaf(cols)
        return gradient(F.layer_norm(x, [cols], w, b), [x, w, b])

    def index_select(table, width, count):
        x, index = rand(table, width), ints(count, table)
        return lambda: torch.index_select(x, 0, index)

    def index_add(table, width, count):
        x, index, out = rand(count, width), ints(count, table), rand(table, width)
        return lambda: out.index_add_(0, index, x)

    def gather(table, width, count):
        x, index = rand(table, width), ints(count * width, table).view(count, width)
        return lambda: torch.gather(x, 0, index)

    def scatter_add(table, width, count):
        x, index, out = rand(count, width), ints(count * width, table).view(count, width), rand(table, width)
        return lambda: out.scatter_add_(0, index, x)

    def one_hot(n, classes):
        """What F.one_hot does but for its checks, which wait for the device."""
        index = ints(n, classes).view(n, 1)
        return lambda: torch.zeros(n, classes, dtype=torch.int64, device=device).scatter_(1, index, 1)

    def optimizer(make_optimizer):
        def make(count, numel):
            parameters = [leaf(numel) for _ in range(count)]
            for p in parameters:
                p.grad = torch.rand_like(p)
            made = make_optimizer(parameters)
            made.step()  # the buffers are made by the first step
            return made.step
        return make

    def sgd(parameters):
        return torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, fused=True)

    def adam(parameters):
        return torch.optim.Adam(parameters, lr=1e-3, fused=True)

    def tutorial_step(images):
        nn = torch.nn
        net = nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(576, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)).to(device)
        made = torch.optim.SGD(net.parameters(), lr=0.01)
        x, target = rand(images, 1, 32, 32), ints(images, 10)

        def step():
            made.zero_grad()
            F.cross_entropy(net(x), target).backward()
            made.step()
        return step

    return {
        "gemm": gemm, "gemm_tf32": gemm,
        "conv_forward": conv("forward"), "conv_grad_x": conv("grad_x"), "conv_grad_w": conv("grad_w"),
        "conv_forward_tf32": conv("forward"), "conv_grad_x_tf32": conv("grad_x"), "conv_grad_w_tf32": conv("grad_w"),
        "relu": unary(torch.relu), "gelu": unary(F.gelu), "exp": unary(torch.exp), "tanh": unary(torch.tanh),
        "add": binary(torch.add), "mul": binary(torch.mul),
        "relu_backward": binary(lambda g, y: torch.ops.aten.threshold_backward(g, y, 0)),
        "gelu_backward": binary(torch.ops.aten.gelu_backward),
        "add_row": add_row, "copy": copy, "copy_transposed": copy_transposed, "dropout_mask": dropout_mask,
        "where": where, "fill": filled(lambda x: x.fill_(0.5)), "arange": arange,
        "sum_all": rows(torch.sum), "sum_rows": rows(lambda x: x.sum(1)), "sum_columns": rows(lambda x: x.sum(0)),
        "max_rows": rows(lambda x: x.max(1)), "softmax": rows(lambda x: torch.softmax(x, 1)),
        "log_softmax": rows(lambda x: torch.log_softmax(x, 1)), "softmax_backward": softmax_backward,
        "cross_entropy": cross_entropy, "cross_entropy_backward": cross_entropy_backward,
        "nll_loss": nll_loss, "nll_loss_backward": nll_loss_backward,
        "mse_loss": mse_loss, "mse_loss_backward": mse_loss_backward,
        "max_pool": max_pool, "max_pool_backward": max_pool_backward, "avg_pool": avg_pool,
        "avg_pool_backward": avg_pool_backward, "global_pool": global_pool,
        "global_pool_backward": global_pool_backward, "conv_grad_bias": conv_grad_bias,
        "batch_norm": batch_norm, "batch_norm_backward": batch_norm_backward,
        "layer_norm": layer_norm, "layer_norm_backward": layer_norm_backward,
        "index_select": index_select, "index_add": index_add,
        "gather": gather, "scatter_add": scatter_add, "one_hot": one_hot,
        "uniform": filled(lambda x: x.uniform_(-1, 1)), "normal": filled(lambda x: x.normal_()),
        "integers": filled(lambda x: x.random_(0, 1000), torch.int64),
        "bernoulli": filled(lambda x: x.bernoulli_(0.5), torch.bool),
        "sgd": optimizer(sgd), "adam": optimizer(adam), "tutorial_step": tutorial_step,
    }


def on_cpu(_torch, run, _flush, _warm):
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def on_gpu(torch, run, flush, warm):
    """The median of the rounds' seconds. Steps of training (warm) follow each other without a pause."""
    runs = WARM_RUNS if warm else 1

    def round_between():
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        if not warm:
            flush.zero_()
        begin.record()
        for _ in range(runs):
            run()
        end.record()
        return begin, end

    def seconds(events):
        events[1].synchronize()
        return events[0].elapsed_time(events[1]) * 1e-3 / runs

    for _ in range(WARM_UP):
        run()
    once = max(seconds(round_between()) * runs, 1e-6)
    rounds = max(LEAST_ROUNDS, int(min(MOST_ROUNDS, SECONDS / once)))
    return statistics.median([seconds(e) for e in [round_between() for _ in range(rounds)]])


def measure(torch, lines, cpu, out):
    device = "cpu" if cpu else "cuda"
    flush, clock = None, on_cpu
    if not cpu:
        cache = getattr(torch.cuda.get_device_properties(0), "L2_cache_size", 0)
        flush, clock = torch.empty(max(256 << 20, 4 * cache) // 4, device=device), on_gpu
        torch.backends.cudnn.benchmark = True
    cudnn = torch.backends.cudnn.version() if torch.backends.cudnn.is_available() else "none"
    out.write(f"# version {torch.__version__}, cuDNN {cudnn}, float32 without TF32 but in rows of that name, cudnn.benchmark on\n")
    known, failed = works_of(torch, device), 0
    for line in lines:
        name, *sizes = line.split()
        # By default cuDNN would round all of them to TF32, and cuBLAS none.
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = name.endswith("_tf32")
        try:
            run = known[name](*map(int, sizes))
            out.write(f"{line},{clock(torch, run, flush, name == 'tutorial_step'):.9g}\n")
        except (KeyError, RuntimeError, TypeError) as error:
            failed += 1
            text = " ".join(f"{type(error).__name__} {error}".split())
            out.write(f"# {line} failed: {text[:200]}\n")
        out.flush()
    return failed


def main(arguments):
    cpu = "--cpu" in arguments
    files = [a for a in arguments if a != "--cpu"]
    if len(files) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with open(files[0], encoding="utf-8") as works:
        lines = [line.strip() for line in works if line.strip()]
    with open(files[1], "w", encoding="utf-8") as out:
        try:
            import torch
        except ImportError as error:
            out.write(f"# this python3 cannot import torch: {error}\n")
            return 0
        if not cpu and not torch.cuda.is_available():
            out.write(f"# torch {torch.__version__} sees no CUDA device\n")
            return 0
        failed = measure(torch, lines, cpu, out)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
