using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Models;

namespace Formation.Inference.Engine.Stages;

/// <summary>A model's two ends on this process's own device. Made by <see cref="TransformerModel.CreateHead"/>.</summary>
public sealed class LocalHead : IModelHead
{
    // Logits of more rows (a prompt's log-probabilities) are computed in parts, to bound their memory: a row is a whole vocabulary.
    private const int LogitRows = 16;

    private readonly ModelConfig _config;
    private readonly IComputeDevice _device;
    private readonly DeviceWeight _embedding;
    private readonly DeviceVector _norm;
    private readonly DeviceWeight _output;
    private readonly DeviceMatrix _embedded;
    private readonly DeviceMatrix _hidden;
    private readonly DeviceMatrix _logits;
    private readonly float[] _selected;

    internal LocalHead(
        ModelConfig config, IComputeDevice device, DeviceWeight embedding, DeviceVector norm, DeviceWeight output, int maxRows)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxRows);
        (_config, _device, _embedding, _norm, _output) = (config, device, embedding, norm, output);
        _embedded = device.AllocateMatrix(maxRows, config.HiddenSize);
        _hidden = device.AllocateMatrix(LogitRows, config.HiddenSize);
        _logits = device.AllocateMatrix(LogitRows, config.VocabularySize);
        _selected = new float[LogitRows * config.HiddenSize];
    }

    public int VocabularySize => _config.VocabularySize;

    public int HiddenSize => _config.HiddenSize;

    /// <exception cref="ArgumentException">A token id is not in the vocabulary, or the activations do not fit.</exception>
    public void Embed(ReadOnlySpan<int> tokenIds, Activations activations)
    {
        if (activations.Width != HiddenSize)
            throw new ArgumentException($"activations are {activations.Width} wide; this model's are {HiddenSize}", nameof(activations));
        activations.SetRows(tokenIds.Length);
        _embedded.SetRows(tokenIds.Length);
        _device.Embed(_embedding, tokenIds, _embedded);
        _device.Read(_embedded, activations.Values);
    }

    /// <exception cref="ArgumentException">A row is not in use, or the logits' length does not fit.</exception>
    public void Logits(Activations activations, ReadOnlySpan<int> rows, Span<float> logits)
    {
        if (logits.Length != (long)rows.Length * VocabularySize)
        {
            throw new ArgumentException(
                $"{rows.Length} rows have {(long)rows.Length * VocabularySize} logits, not {logits.Length}", nameof(logits));
        }
        for (var first = 0; first < rows.Length; first += LogitRows)
        {
            var count = Math.Min(LogitRows, rows.Length - first);
            Normalize(activations, rows.Slice(first, count));
            _logits.SetRows(count);
            _device.Linear([new LinearOperation(_output, null, _logits)], _hidden, null);
            _device.Read(_logits, logits.Slice(first * VocabularySize, count * VocabularySize));
        }
    }

    /// <exception cref="ArgumentException">A row is not in use, or the length of the hidden states does not fit.</exception>
    public void Normalize(Activations activations, ReadOnlySpan<int> rows, Span<float> hidden)
    {
        if (hidden.Length != (long)rows.Length * HiddenSize)
        {
            throw new ArgumentException(
                $"{rows.Length} rows have {(long)rows.Length * HiddenSize} values, not {hidden.Length}", nameof(hidden));
        }
        for (var first = 0; first < rows.Length; first += LogitRows)
        {
            var count = Math.Min(LogitRows, rows.Length - first);
            Normalize(activations, rows.Slice(first, count));
            _device.Read(_hidden, hidden.Slice(first * HiddenSize, count * HiddenSize));
        }
    }

    private void Normalize(Activations activations, ReadOnlySpan<int> rows)
    {
        for (var i = 0; i < rows.Length; i++)
            activations.Row(rows[i]).CopyTo(_selected.AsSpan(i * HiddenSize));
        _hidden.SetRows(rows.Length);
        _device.Write(_selected.AsSpan(0, rows.Length * HiddenSize), _hidden);
        _device.RmsNorm(_hidden, _norm, _config.NormEpsilon, _hidden);
    }

    public void Dispose()
    {
        _embedded.Dispose();
        _hidden.Dispose();
        _logits.Dispose();
    }
}
