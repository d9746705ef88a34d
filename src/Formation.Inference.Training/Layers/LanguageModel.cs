using Formation.Inference.Kernels.Dense;

namespace Formation.Inference.Training.Layers;

/// <summary>What a pass over a batch says about its loss rows.</summary>
/// <param name="MeanLoss">Mean of -ln(probability of the right token), in nats.</param>
/// <param name="Losses">The same for each loss row.</param>
/// <param name="Hits">Whether the right token was the likeliest, for each loss row.</param>
public sealed record PassResult(double MeanLoss, float[] Losses, bool[] Hits);

/// <summary>A Llama-architecture language model with tied embeddings that can be trained.</summary>
public sealed class LanguageModel : IDisposable
{
    private readonly TrainingDevice _device;
    private readonly int _capacity;
    private readonly Parameter _embedding;
    private readonly TransformerBlock[] _blocks;
    private readonly RmsNorm _outputNorm;
    private readonly DenseRope _rope;
    private readonly DenseAttention _attention;
    private readonly BlockScratch _scratch;
    private readonly DenseMatrix _embedded;
    private readonly DenseMatrix _selected;
    private readonly DenseMatrix _normed;
    private readonly DenseMatrix _logits;
    private readonly DenseMatrix _gradient;
    private readonly DenseMatrix _selectedGradient;

    /// <param name="device">Who works.</param>
    /// <param name="shape">The model's sides.</param>
    /// <param name="capacity">Rows that a batch may have.</param>
    /// <exception cref="ArgumentException">The sides do not fit each other.</exception>
    public LanguageModel(TrainingDevice device, ModelShape shape, int capacity)
    {
        shape.Validate();
        _device = device;
        _capacity = capacity;
        Shape = shape;
        _embedding = new Parameter("token_embd.weight", shape.Vocabulary, shape.Width, decays: true);
        _rope = new DenseRope(shape.HeadDim, shape.Context, shape.RopeBase);
        _attention = new DenseAttention(device.Team, shape.Heads, shape.KeyHeads, shape.HeadDim, Math.Min(capacity, shape.Context));
        _blocks = [.. Enumerable.Range(0, shape.Blocks).Select(i => new TransformerBlock(device, i, shape, _rope, _attention, capacity))];
        _outputNorm = new RmsNorm(device, "output_norm.weight", shape, capacity);
        _scratch = new BlockScratch(shape, capacity);
        _embedded = new DenseMatrix(capacity, shape.Width);
        _selected = new DenseMatrix(capacity, shape.Width);
        _normed = new DenseMatrix(capacity, shape.Width);
        _logits = new DenseMatrix(capacity, shape.Vocabulary);
        _gradient = new DenseMatrix(capacity, shape.Width);
        _selectedGradient = new DenseMatrix(capacity, shape.Width);
        Parameters = [_embedding, .. _blocks.SelectMany(block => block.Parameters), _outputNorm.Gain];
    }

    public ModelShape Shape { get; }

    /// <summary>Everything that training changes, in a fixed order.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Sets the start of training: normal weights, those that write to the residual stream smaller the deeper the model.</summary>
    public void Initialize(SeededRandom random)
    {
        foreach (var parameter in Parameters)
        {
            if (!parameter.Decays)
                parameter.Value.Values.Fill(1f);
            else if (ReferenceEquals(parameter, _embedding))
                parameter.Randomize(random, 0.02);
            else if (parameter.Name.Contains("attn_output") || parameter.Name.Contains("ffn_down"))
                parameter.Randomize(random, 0.6 / Math.Sqrt(parameter.Value.Columns * 2.0 * Shape.Blocks));
            else
                parameter.Randomize(random, 0.6 / Math.Sqrt(parameter.Value.Columns));
        }
    }

    /// <summary>Computes the loss of a batch; where <paramref name="learn"/>, adds the gradients of its mean to the parameters'.</summary>
    /// <exception cref="ArgumentException">The batch has no loss row, too many rows, or a token or position unknown to the model.</exception>
    public PassResult Pass(StepBatch batch, bool learn)
    {
        Check(batch);
        var rows = batch.Tokens.Length;
        DenseEmbedding.Gather(_embedding.Value, batch.Tokens, _embedded);
        var hidden = _embedded;
        foreach (var block in _blocks)
        {
            block.Forward(batch, hidden);
            hidden = block.Output;
        }

        var counted = batch.LossRows.Length;
        DenseEmbedding.Gather(hidden, batch.LossRows, _selected);
        _outputNorm.Forward(_selected, _normed, counted);
        _device.Product.Forward(_normed, _embedding.Value, _logits, counted);
        var losses = new float[counted];
        var hits = new bool[counted];
        DenseCrossEntropy.LossAndGradient(_device.Team, _logits, batch.Targets, 1f / counted, losses, hits);
        var result = new PassResult(losses.Sum(loss => (double)loss) / counted, losses, hits);
        if (!learn)
            return result;

        _device.Product.AddWeightGradient(_logits, _normed, _embedding.Gradient, counted);
        _device.Product.InputGradient(_logits, _embedding.Value, _normed, counted);
        _selectedGradient.Values[..(counted * Shape.Width)].Clear();
        _outputNorm.Backward(_selected, _normed, _selectedGradient, counted);
        _gradient.Values[..(rows * Shape.Width)].Clear();
        DenseEmbedding.ScatterAdd(_device.Team, _selectedGradient, batch.LossRows, _gradient);
        for (var i = _blocks.Length - 1; i >= 0; i--)
            _blocks[i].Backward(batch, _gradient, _scratch);
        DenseEmbedding.ScatterAdd(_device.Team, _gradient, batch.Tokens, _embedding.Gradient);
        return result;
    }

    public void Dispose()
    {
        _embedding.Dispose();
        foreach (var block in _blocks)
            block.Dispose();
        _outputNorm.Dispose();
        _rope.Dispose();
        _attention.Dispose();
        _scratch.Dispose();
        foreach (var matrix in new[] { _embedded, _selected, _normed, _logits, _gradient, _selectedGradient })
            matrix.Dispose();
    }

    private void Check(StepBatch batch)
    {
        if (batch.LossRows.Length == 0)
            throw new ArgumentException("a batch needs at least one token whose prediction counts", nameof(batch));
        if (batch.Tokens.Length > _capacity)
            throw new ArgumentException($"a batch of {batch.Tokens.Length} rows; the model was made for {_capacity}", nameof(batch));
        foreach (var token in batch.Tokens)
        {
            if ((uint)token >= (uint)Shape.Vocabulary)
                throw new ArgumentException($"token {token} is not one of the {Shape.Vocabulary}", nameof(batch));
        }
        foreach (var document in batch.Documents)
        {
            if (document.Length > Shape.Context)
                throw new ArgumentException($"a document of {document.Length} rows; the context is {Shape.Context}", nameof(batch));
        }
    }
}
