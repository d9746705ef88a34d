using Formation.Inference.Kernels.Dense;

namespace Formation.Inference.Training.Layers;

/// <summary>One block: x + attention(norm(x)), then that + feedForward(norm(that)).</summary>
internal sealed class TransformerBlock : IDisposable
{
    private readonly RmsNorm _attentionNorm;
    private readonly SelfAttention _attention;
    private readonly RmsNorm _feedForwardNorm;
    private readonly FeedForward _feedForward;
    private readonly DenseMatrix _normedInput;
    private readonly DenseMatrix _middle;
    private readonly DenseMatrix _normedMiddle;
    private DenseMatrix? _input;

    public TransformerBlock(TrainingDevice device, int index, ModelShape shape, DenseRope rope, DenseAttention attention, int capacity)
    {
        var prefix = $"blk.{index}.";
        _attentionNorm = new RmsNorm(device, prefix + "attn_norm.weight", shape, capacity);
        _attention = new SelfAttention(device, prefix, shape, rope, attention, capacity);
        _feedForwardNorm = new RmsNorm(device, prefix + "ffn_norm.weight", shape, capacity);
        _feedForward = new FeedForward(device, prefix, shape, capacity);
        _normedInput = new DenseMatrix(capacity, shape.Width);
        _middle = new DenseMatrix(capacity, shape.Width);
        _normedMiddle = new DenseMatrix(capacity, shape.Width);
        Output = new DenseMatrix(capacity, shape.Width);
    }

    public IEnumerable<Parameter> Parameters =>
        [_attentionNorm.Gain, .. _attention.Parameters, _feedForwardNorm.Gain, .. _feedForward.Parameters];

    /// <summary>What Forward last computed.</summary>
    public DenseMatrix Output { get; }

    public void Forward(StepBatch batch, DenseMatrix input)
    {
        var rows = batch.Tokens.Length;
        var values = rows * input.Columns;
        _input = input;
        _attentionNorm.Forward(input, _normedInput, rows);
        input.Values[..values].CopyTo(_middle.Values);
        _attention.Forward(batch, _normedInput, _middle);
        _feedForwardNorm.Forward(_middle, _normedMiddle, rows);
        _middle.Values[..values].CopyTo(Output.Values);
        _feedForward.Forward(_normedMiddle, Output, rows);
    }

    /// <summary>Turns the gradient of the output into the gradient of the input, in place.</summary>
    public void Backward(StepBatch batch, DenseMatrix gradient, BlockScratch scratch)
    {
        var rows = batch.Tokens.Length;
        _feedForward.Backward(_normedMiddle, gradient, scratch.DNormed, rows, scratch);
        _feedForwardNorm.Backward(_middle, scratch.DNormed, gradient, rows);
        _attention.Backward(batch, _normedInput, gradient, scratch.DNormed, scratch);
        _attentionNorm.Backward(_input!, scratch.DNormed, gradient, rows);
    }

    public void Dispose()
    {
        _attentionNorm.Dispose();
        _attention.Dispose();
        _feedForwardNorm.Dispose();
        _feedForward.Dispose();
        foreach (var matrix in new[] { _normedInput, _middle, _normedMiddle, Output })
            matrix.Dispose();
    }
}
