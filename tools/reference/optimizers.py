"""The optimizers of a recipe in PyTorch, moving averages, one training step, and the exchange of their state by name.

One step, for the gradient g of a parameter w, learning rate r (an input of every step), m = optimizer.momentum,
d = optimizer.weightDecay, or 0 where `decayAll` is false and w is a position or has one axis (norms, biases, u0):

  clip   norm = sqrt(sum over all parameters of |g|^2);  g = g * min(1, clipNorm / (norm + 1e-6))     (clipNorm > 0)

  sgd    g = g + d w
         v = m v + g
         w = w - r (g + m v)  with nesterov,  w - r v  without

  lars   a = trust |w| / (|g| + d |w|); 1 where |w| or |g| is 0, and for every w with one axis
         g = a (g + d w)
         v, w as sgd

  adamw  w = w - r d w
         p = b1 p + (1 - b1) g
         q = b2 q + (1 - b2) g^2
         w = w - r (p / (1 - b1^t)) / (sqrt(q / (1 - b2^t)) + epsilon)        t = optim.step after this step: 1, 2, ...

State names: v is `optim.momentum.<w>`, p `optim.exp_avg.<w>`, q `optim.exp_avg_sq.<w>`, t `optim.step`, all 0 at first.

  average  a = d a + (1 - d) w  for every parameter and running statistic w, after the update, for the input d;
           a is `ema.<w>`, at first w
"""

import torch
from selfie_torch import copy_into, model_state
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

# Our names of PyTorch's state of one parameter.
SLOTS = {
    'sgd': {'momentum': 'momentum_buffer'},
    'lars': {'momentum': 'momentum_buffer'},
    'adamw': {'exp_avg': 'exp_avg', 'exp_avg_sq': 'exp_avg_sq'},
}


class Lars(torch.optim.Optimizer):
    """Layer-wise adaptive rates (You, Gitman, Ginsburg 2017), the learning rate outside the momentum as in SGD."""

    def __init__(self, groups, momentum, nesterov, trust):
        super().__init__(groups, {'lr': 0.0, 'momentum': momentum, 'nesterov': nesterov, 'trust': trust})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            decay, momentum = group['weight_decay'], group['momentum']
            for w in group['params']:
                g = w.grad
                if w.ndim > 1 and w.norm() > 0 and g.norm() > 0:
                    adapted = group['trust'] * w.norm() / (g.norm() + decay * w.norm())
                else:
                    adapted = 1.0
                g = adapted * (g + decay * w)
                v = self.state[w].setdefault('momentum_buffer', torch.zeros_like(w))
                v.mul_(momentum).add_(g)
                w.sub_(group['lr'] * (g + momentum * v if group['nesterov'] else v))


def make_optimizer(model, recipe):
    """The recipe's optimizer with all its state in place, every value 0."""
    o = recipe['optimizer']
    groups = {o['weightDecay']: [], 0.0: []}
    for name, w in model.named_parameters():
        decays = o['decayAll'] or (w.ndim > 1 and not name.startswith('position.'))
        groups[o['weightDecay'] if decays else 0.0].append(w)
    groups = [{'params': params, 'weight_decay': decay} for decay, params in groups.items() if params]
    momentum, nesterov = o['momentum'], o['nesterov'] and o['momentum'] > 0
    if o['name'] == 'sgd':
        optimizer = torch.optim.SGD(groups, lr=0.0, momentum=momentum, nesterov=nesterov)
    elif o['name'] == 'lars':
        optimizer = Lars(groups, momentum, nesterov, o['trust'])
    else:
        optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(o['beta1'], o['beta2']), eps=o['epsilon'])
    for w in model.parameters():
        for slot in SLOTS[o['name']].values():
            optimizer.state[w][slot] = torch.zeros_like(w)
        if o['name'] == 'adamw':
            optimizer.state[w]['step'] = torch.tensor(0.0)
    return optimizer


def optimizer_state(model, optimizer, recipe):
    """Optimizer state by our names; the tensors are the optimizer's own (`optim.step`: the first parameter's)."""
    kind = recipe['optimizer']['name']
    state = {
        f'optim.{ours}.{name}': optimizer.state[w][theirs]
        for name, w in model.named_parameters()
        for ours, theirs in SLOTS[kind].items()
    }
    if kind == 'adamw':
        state['optim.step'] = optimizer.state[next(model.parameters())]['step']
    return state


def load_optimizer_state(model, optimizer, recipe, tensors):
    """Copies `tensors` (our names -> arrays) into the optimizer, strictly."""
    own = optimizer_state(model, optimizer, recipe)
    copy_into(own, tensors)
    if 'optim.step' in own:
        for w in model.parameters():
            optimizer.state[w]['step'].copy_(own['optim.step'])


def make_average(model):
    """PyTorch's moving average of a model; `average.module` is a model that holds it."""
    average = AveragedModel(model, use_buffers=True)
    average.n_averaged.fill_(1)  # a first update that is as all others, not a copy
    return average


def average_state(average):
    """Moving averages by our names; the tensors are the average's own."""
    return {f'ema.{name}': value for name, value in model_state(average.module).items()}


def average_step(average, model, decay):
    """Moves the average towards the model."""
    average.multi_avg_fn = get_ema_multi_avg_fn(decay)
    average.update_parameters(model)


def train_step(model, optimizer, recipe, batch, learning_rate):
    """One step in place; returns the batch's means {'loss', 'accuracy', ...} and `gradient_norm` (before clipping)."""
    optimizer.zero_grad()
    outputs = model(batch)
    outputs['loss'].mean().backward()
    clip = recipe['optimizer']['clipNorm'] or float('inf')
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    for group in optimizer.param_groups:
        group['lr'] = learning_rate
    optimizer.step()
    metrics = {k: v.mean().item() for k, v in outputs.items() if k not in ('logits', 'embedding')}
    return {**metrics, 'gradient_norm': norm.item()}
