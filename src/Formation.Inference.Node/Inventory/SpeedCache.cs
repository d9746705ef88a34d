using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Node.Inventory;

/// <summary>Keeps what was measured in the data folder, as long as the machine is the same.</summary>
/// <param name="dataFolder">Made where it does not exist.</param>
public sealed class SpeedCache(string dataFolder)
{
    /// <summary>Name of the file in the data folder.</summary>
    public const string FileName = "machine-speed.json";

    private string File => Path.Combine(dataFolder, FileName);

    /// <summary>What was measured on this machine before, or null: nothing, another machine, or a damaged file.</summary>
    /// <param name="fingerprint">What has to be the same for the figures to hold.</param>
    public MachineSpeed? Find(string fingerprint)
    {
        try
        {
            if (!System.IO.File.Exists(File))
                return null;
            var kept = JsonSerializer.Deserialize(System.IO.File.ReadAllText(File), SpeedCacheJson.Default.KeptSpeed);
            return kept is { Speed: { ReadBytesPerSecond: > 0, MultiplyAddsPerSecond: > 0 } speed } && kept.Fingerprint == fingerprint ? speed : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Keeps a measurement. A folder that can't be written costs the next start a measurement, and nothing else.</summary>
    public void Keep(string fingerprint, MachineSpeed speed)
    {
        try
        {
            Directory.CreateDirectory(dataFolder);
            WholeFile.Write(File, JsonSerializer.Serialize(new KeptSpeed(fingerprint, speed), SpeedCacheJson.Default.KeptSpeed) + "\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Measured again next time.
        }
    }
}

/// <summary>What the file holds.</summary>
internal sealed record KeptSpeed(string Fingerprint, MachineSpeed? Speed);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(KeptSpeed))]
internal sealed partial class SpeedCacheJson : JsonSerializerContext;
