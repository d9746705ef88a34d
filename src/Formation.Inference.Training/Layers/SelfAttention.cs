using Formation.Inference.Kernels.Dense;

namespace Formation.Inference.Training.Layers;

/// <summary>Causal attention of each document to itself, with rotary positions and shared key heads.</summary>
internal sealed class SelfAttention : IDisposable
{
    private readonly TrainingDevice _device;
    private readonly ModelShape _shape;
    private readonly DenseRope _rope;
    private readonly DenseAttention _attention;
    private readonly Linear _query;
    private readonly Linear _key;
    private readonly Linear _value;
    private readonly Linear _output;
    private readonly DenseMatrix _q;
    private readonly DenseMatrix _k;
    private readonly DenseMatrix _v;
    private readonly DenseMatrix _attended;
    private DenseMatrix _probabilities = new(1, 1);

    public SelfAttention(TrainingDevice device, string prefix, ModelShape shape, DenseRope rope, DenseAttention attention, int capacity)
    {
        _device = device;
        _shape = shape;
        _rope = rope;
        _attention = attention;
        _query = new Linear(device, prefix + "attn_q.weight", shape.Width, shape.Width);
        _key = new Linear(device, prefix + "attn_k.weight", shape.Width, shape.KeyWidth);
        _value = new Linear(device, prefix + "attn_v.weight", shape.Width, shape.KeyWidth);
        _output = new Linear(device, prefix + "attn_output.weight", shape.Width, shape.Width);
        _q = new DenseMatrix(capacity, shape.Width);
        _k = new DenseMatrix(capacity, shape.KeyWidth);
        _v = new DenseMatrix(capacity, shape.KeyWidth);
        _attended = new DenseMatrix(capacity, shape.Width);
    }

    public IEnumerable<Parameter> Parameters => [_query.Weight, _key.Weight, _value.Weight, _output.Weight];

    /// <summary>residual += attention(x).</summary>
    public void Forward(StepBatch batch, DenseMatrix x, DenseMatrix residual)
    {
        var rows = batch.Tokens.Length;
        _query.Forward(x, _q, rows);
        _key.Forward(x, _k, rows);
        _value.Forward(x, _v, rows);
        _rope.Rotate(_device.Team, _q, batch.Positions, backward: false);
        _rope.Rotate(_device.Team, _k, batch.Positions, backward: false);
        ReserveProbabilities(DenseAttention.ProbabilityCount(batch.Documents, _shape.Heads));
        _attention.Forward(_device.Team, _q, _k, _v, _attended, _probabilities, batch.Documents);
        _output.Forward(_attended, residual, rows, accumulate: true);
    }

    /// <summary>Writes the gradient of x to <paramref name="dx"/>, given the residual's.</summary>
    public void Backward(StepBatch batch, DenseMatrix x, DenseMatrix dresidual, DenseMatrix dx, BlockScratch scratch)
    {
        var rows = batch.Tokens.Length;
        _output.Backward(_attended, dresidual, scratch.DAttended, rows);
        _attention.Backward(
            _device.Team, _q, _k, _v, scratch.DAttended, _probabilities, scratch.DQuery, scratch.DKey, scratch.DValue, batch.Documents);
        _rope.Rotate(_device.Team, scratch.DQuery, batch.Positions, backward: true);
        _rope.Rotate(_device.Team, scratch.DKey, batch.Positions, backward: true);
        _query.Backward(x, scratch.DQuery, dx, rows);
        _key.Backward(x, scratch.DKey, dx, rows, accumulate: true);
        _value.Backward(x, scratch.DValue, dx, rows, accumulate: true);
    }

    public void Dispose()
    {
        foreach (var linear in new[] { _query, _key, _value, _output })
            linear.Dispose();
        foreach (var matrix in new[] { _q, _k, _v, _attended, _probabilities })
            matrix.Dispose();
    }

    private void ReserveProbabilities(long count)
    {
        if (_probabilities.Columns >= count)
            return;
        _probabilities.Dispose();
        _probabilities = new DenseMatrix(1, checked((int)(count + count / 4)));
    }
}
