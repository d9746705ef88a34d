using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Layers;
using Formation.Inference.Kernels;

namespace Formation.Inference.Engine.Models;

/// <summary>
/// Brings a file's tensors onto a device: each is there, has the shape that the configuration calls for, and a computed type.
/// </summary>
/// <param name="part">The tensors that are wanted.</param>
/// <param name="progress">Told the share of these tensors' bytes that is loaded, 0 to 1.</param>
internal sealed class WeightReader(
    GgufFile file, ModelConfig config, ModelPart part, IComputeDevice device, IProgress<double>? progress, CancellationToken cancellationToken)
{
    private readonly long _totalBytes = file.Tensors.Where(tensor => !part.Excludes(tensor.Name, config)).Sum(tensor => tensor.Data.Length);
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);
    private readonly List<IDisposable> _loaded = [];
    private long _loadedBytes;

    /// <summary>Where the layers are cut.</summary>
    public TensorCuts Cuts { get; } = TensorCuts.Of(file, config, part.Share);

    /// <summary>All that was loaded, for disposal.</summary>
    public IReadOnlyList<IDisposable> Loaded => _loaded;

    public DecoderLayer ReadLayer(int layer)
    {
        var architecture = config.Architecture;
        var hidden = Extent.All(config.HiddenSize);
        var (queries, kv, feedForward) = (Cuts.Queries, Cuts.KeysAndValues, Cuts.FeedForward);
        string Name(string part) => TensorNames.OfLayer(layer, part);

        return new DecoderLayer
        {
            AttentionNorm = ReadVector(Name("attn_norm"), hidden),
            Query = ReadLinear(layer, "attn_q", queries, hidden, architecture.QueryKeyValueBias),
            Key = ReadLinear(layer, "attn_k", kv, hidden, architecture.QueryKeyValueBias),
            Value = ReadLinear(layer, "attn_v", kv, hidden, architecture.QueryKeyValueBias),
            QueryNorm = FindVector(Name("attn_q_norm"), Extent.All(config.HeadSize), architecture.QueryKeyNorm),
            KeyNorm = FindVector(Name("attn_k_norm"), Extent.All(config.HeadSize), architecture.QueryKeyNorm),
            AttentionOutput = ReadLinear(layer, "attn_output", hidden, queries, architecture.OtherBias),
            FeedForwardNorm = ReadVector(Name("ffn_norm"), hidden),
            Gate = ReadLinear(layer, "ffn_gate", feedForward, hidden, architecture.OtherBias),
            Up = ReadLinear(layer, "ffn_up", feedForward, hidden, architecture.OtherBias),
            Down = ReadLinear(layer, "ffn_down", hidden, feedForward, architecture.OtherBias),
        };
    }

    /// <summary>The embedding table.</summary>
    public DeviceWeight ReadEmbedding()
    {
        var (rows, columns) = (Extent.All(config.VocabularySize), Extent.All(config.HiddenSize));
        return HasOutput
            ? Read(TensorNames.TokenEmbedding, rows, columns, (in WeightMatrix table) => device.LoadTable(table, cancellationToken))
            : ReadWeight(TensorNames.TokenEmbedding, rows, columns);
    }

    /// <summary>The norm behind the last layer.</summary>
    public DeviceVector ReadOutputNorm() => ReadVector(TensorNames.OutputNorm, Extent.All(config.HiddenSize));

    /// <summary>The output head, or the embedding table where the file has none: the two are tied.</summary>
    public DeviceWeight ReadOutput(DeviceWeight embedding) =>
        HasOutput ? ReadWeight(TensorNames.Output, Extent.All(config.VocabularySize), Extent.All(config.HiddenSize)) : embedding;

    /// <summary>The rotary frequencies, with the file's divisors where it has them.</summary>
    public RotaryFrequencies ReadRotary()
    {
        const string Name = TensorNames.RotaryDivisors;
        if (config.Architecture.RotaryDivisors == Presence.Absent || file.FindTensor(Name) is not { } tensor)
            return config.Rotary.ToFrequencies([]);
        var divisors = tensor.ReadVector(config.Rotary.Dimensions / 2);
        foreach (var divisor in divisors)
        {
            if (!(divisor > 0 && float.IsFinite(divisor)))
            {
                throw new GgufException(GgufErrorKind.OutOfRange, -1,
                    $"tensor {Name} holds {divisor}; it divides a frequency and must be positive");
            }
        }
        Note(tensor);
        return config.Rotary.ToFrequencies(divisors);
    }

    /// <summary>
    /// Refuses a file with tensors of this part that were not read: leaving one out would give wrong numbers silently.
    /// </summary>
    public void RequireAllRead()
    {
        if (file.Tensors.FirstOrDefault(tensor => !part.Excludes(tensor.Name, config) && !_read.Contains(tensor.Name)) is { } unknown)
        {
            throw new GgufException(GgufErrorKind.UnsupportedModel, -1,
                $"tensor {GgufLimits.Quote(unknown.Name)} is not one that a {config.Architecture.Name} model " +
                $"of {config.LayerCount} layers has here");
        }
    }

    private bool HasOutput => file.FindTensor(TensorNames.Output) is not null;

    private LinearLayer ReadLinear(int layer, string part, Extent outputs, Extent inputs, Presence bias)
    {
        var weight = ReadWeight(TensorNames.OfLayer(layer, part), outputs, inputs);
        var values = FindVector(TensorNames.OfLayer(layer, part, "bias"), outputs, bias);
        // Where each member has some of the inputs, the outputs are added up, and one of them adds the bias.
        return new LinearLayer(weight, inputs.First == 0 ? values : null);
    }

    private delegate DeviceWeight Loader(in WeightMatrix weight);

    private DeviceWeight ReadWeight(string name, Extent rows, Extent columns) =>
        Read(name, rows, columns, (in WeightMatrix weight) => device.LoadWeight(weight, cancellationToken));

    private DeviceWeight Read(string name, Extent rows, Extent columns, Loader load)
    {
        var tensor = file.RequireTensor(name);
        var matrix = tensor.AsMatrix(rows.Of, columns.Of);
        if (!rows.IsAll)
            matrix = matrix.SliceRows(rows.First, rows.Count);
        if (!columns.IsAll)
            matrix = matrix.SliceColumns(columns.First, columns.Count);
        var weight = load(matrix);
        _loaded.Add(weight);
        if (!weight.ReadsSource)
            tensor.Data.Release();
        Note(tensor);
        return weight;
    }

    private DeviceVector ReadVector(string name, Extent values)
    {
        var tensor = file.RequireTensor(name);
        var vector = device.LoadVector(tensor.ReadVector(values.Of).AsSpan(values.First, values.Count));
        _loaded.Add(vector);
        Note(tensor);
        return vector;
    }

    // A vector that the architecture does not have stays unread, and RequireAllRead names it.
    private DeviceVector? FindVector(string name, Extent values, Presence presence) =>
        presence == Presence.Required || (presence == Presence.Optional && file.FindTensor(name) is not null)
            ? ReadVector(name, values)
            : null;

    private void Note(GgufTensor tensor)
    {
        _read.Add(tensor.Name);
        _loadedBytes += tensor.Data.Length;
        progress?.Report((double)_loadedBytes / _totalBytes);
    }
}
