using System.Runtime.InteropServices;
using System.Text.Json;
using Formation.Inference.Kernels.Dense;

namespace Formation.Inference.Training;

/// <summary>
/// A trainer's whole state in one file, so that a run goes on bit for bit as if it had not stopped: a length-prefixed JSON header
/// (version, options, steps, tokens, place in the documents), then each parameter's values and both moments as little-endian floats.
/// </summary>
public static class Checkpoint
{
    private const int Version = 1;
    private const int LongestHeader = 64 * 1024;

    /// <summary>Writes the state; the file is complete or not there at all.</summary>
    public static void Save(Trainer trainer, string path)
    {
        var header = JsonSerializer.SerializeToUtf8Bytes(
            new Header(Version, trainer.Options, trainer.Optimizer.Steps, trainer.Tokens, trainer.Source.State));
        var unfinished = path + ".part";
        using (var stream = File.Create(unfinished))
        {
            stream.Write(BitConverter.GetBytes(header.Length));
            stream.Write(header);
            foreach (var matrix in Matrices(trainer))
                stream.Write(MemoryMarshal.AsBytes(matrix.Values));
        }
        File.Move(unfinished, path, overwrite: true);
    }

    /// <summary>
    /// Reads the state into a trainer of the same options; only the run's length may differ, so that a run can be cut short or extended.
    /// </summary>
    /// <exception cref="InvalidDataException">The file is not a checkpoint of these options.</exception>
    public static void Load(Trainer trainer, string path)
    {
        using var stream = File.OpenRead(path);
        var header = ReadHeader(stream, path);
        if (header.Version != Version || Lasting(header.Options) != Lasting(trainer.Options))
            throw new InvalidDataException(
                $"{path} is a checkpoint of another run (version {header.Version}, {header.Options}); delete it to start anew");
        var expected = stream.Position + Matrices(trainer).Sum(matrix => (long)matrix.Rows * matrix.Columns * sizeof(float));
        if (stream.Length != expected)
            throw new InvalidDataException(
                $"{path} has {stream.Length} bytes where a checkpoint of this model has {expected}; delete it to start anew");
        foreach (var matrix in Matrices(trainer))
            stream.ReadExactly(MemoryMarshal.AsBytes(matrix.Values));
        trainer.Optimizer.Steps = header.Steps;
        trainer.Tokens = header.Tokens;
        trainer.Source.State = header.Source;
    }

    private static TrainingOptions Lasting(TrainingOptions options) => options with { TotalTokens = 0, DecayTokens = 0, SecondCycleTokens = 0 };

    private static Header ReadHeader(FileStream stream, string path)
    {
        var prefix = new byte[sizeof(int)];
        if (stream.ReadAtLeast(prefix, prefix.Length, throwOnEndOfStream: false) < prefix.Length)
            throw new InvalidDataException($"{path} is not a checkpoint: it has {stream.Length} bytes");
        var length = BitConverter.ToInt32(prefix);
        if (length is < 2 or > LongestHeader || length > stream.Length - stream.Position)
            throw new InvalidDataException($"{path} is not a checkpoint: its header would have {length} bytes");
        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        try
        {
            return JsonSerializer.Deserialize<Header>(bytes) ?? throw new InvalidDataException($"{path} has an empty header");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} is not a checkpoint: its header is not JSON", exception);
        }
    }

    private static IEnumerable<DenseMatrix> Matrices(Trainer trainer)
    {
        for (var i = 0; i < trainer.Model.Parameters.Count; i++)
        {
            yield return trainer.Model.Parameters[i].Value;
            yield return trainer.Optimizer.Moments[i].Mean;
            yield return trainer.Optimizer.Moments[i].Square;
        }
    }

    private sealed record Header(int Version, TrainingOptions Options, int Steps, long Tokens, DocumentSourceState Source);
}
