using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Testing.Fakes;

/// <summary>The ends of an invented model: logits are a fixed function of the token history's hash. See <see cref="InventedStage"/>.</summary>
public sealed class InventedHead(int vocabularySize) : IModelHead
{
    /// <summary>The hash of no tokens.</summary>
    public const ulong EmptyHash = 14695981039346656037;

    const int Parts = 4;

    public int VocabularySize => vocabularySize;

    public int HiddenSize => Parts;

    /// <summary>Changes logits before they are handed out: the hash, and the row to change.</summary>
    public Action<ulong, float[]> Adjust { get; set; } = static (_, _) => { };

    /// <summary>The hash of a history with one more token.</summary>
    public static ulong Extend(ulong hash, int token) => Mix((hash ^ (uint)token) * 1099511628211);

    public static void WriteToken(int token, Span<float> row)
    {
        row.Clear();
        (row[0], row[1]) = (token & 0xFFFF, token >> 16);
    }

    public static int ReadToken(ReadOnlySpan<float> row) => (int)row[0] | (int)row[1] << 16;

    public static void WriteHash(ulong hash, Span<float> row)
    {
        for (var part = 0; part < Parts; part++)
            row[part] = (ushort)(hash >> (16 * part));
    }

    /// <summary>The logits after a history.</summary>
    public float[] LogitsOf(ulong hash)
    {
        var logits = new float[vocabularySize];
        for (var token = 0; token < vocabularySize; token++)
            logits[token] = (Mix(hash + (ulong)token * 0x9E3779B97F4A7C15) >> 40) / (float)(1 << 24) * 8 - 4;
        Adjust(hash, logits);
        return logits;
    }

    public void Embed(ReadOnlySpan<int> tokenIds, Activations activations)
    {
        activations.SetRows(tokenIds.Length);
        for (var i = 0; i < tokenIds.Length; i++)
            WriteToken(tokenIds[i], activations.Row(i));
    }

    public void Logits(Activations activations, ReadOnlySpan<int> rows, Span<float> logits)
    {
        for (var i = 0; i < rows.Length; i++)
        {
            var hash = 0UL;
            var row = activations.Row(rows[i]);
            for (var part = 0; part < Parts; part++)
                hash |= (ulong)row[part] << (16 * part);
            LogitsOf(hash).CopyTo(logits.Slice(i * vocabularySize, vocabularySize));
        }
    }

    /// <summary>The hash's parts, which stand in the row already.</summary>
    public void Normalize(Activations activations, ReadOnlySpan<int> rows, Span<float> hidden)
    {
        for (var i = 0; i < rows.Length; i++)
            activations.Row(rows[i]).CopyTo(hidden.Slice(i * Parts, Parts));
    }

    public void Dispose()
    {
    }

    static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
