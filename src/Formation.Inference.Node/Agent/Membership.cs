using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;

namespace Formation.Inference.Node.Agent;

/// <summary>What a node remembers of the network that admitted it, so that it comes back without a token.</summary>
/// <param name="Name">The name that it was admitted under.</param>
/// <param name="Gateways">The gateways that it may turn to, each with the key that it must show.</param>
public sealed record Membership(string Name, IReadOnlyList<KnownGateway> Gateways)
{
    private const string FileName = "membership.json";

    /// <summary>What the folder holds, or null where the node was never admitted.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public static Membership? Load(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return null;
        try
        {
            var saved = JsonSerializer.Deserialize(File.ReadAllText(path), MembershipJson.Default.SavedMembership);
            if (saved is { Name: { } name, Gateways: { } gateways } && NodeName.IsValid(name) && gateways.Select(Read).ToList() is { Count: > 0 } read)
                return new Membership(name, read);
        }
        catch (JsonException)
        {
        }
        throw Damaged(path);

        KnownGateway Read(SavedGateway gateway) =>
            KeyPin.TryParse(gateway.Pin, out var pin) && gateway.Urls is { Count: > 0 } urls && urls.All(url => GatewayUrl.TryParse(url, out _))
                ? new KnownGateway(pin, urls)
                : throw Damaged(path);
    }

    /// <summary>Writes the file; who reads at the same moment sees the old one or the new one.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    public void Save(string folder)
    {
        PrivateFolder.Create(folder);
        var saved = new SavedMembership(Name, [.. Gateways.Select(gateway => new SavedGateway(gateway.Pin.Text, gateway.Urls))]);
        WholeFile.Write(Path.Combine(folder, FileName), JsonSerializer.Serialize(saved, MembershipJson.Default.SavedMembership) + "\n");
    }

    /// <summary>
    /// The same with what a gateway tells of itself and the others. Those that it leaves out stay: it may not know of all; a URL that was found
    /// to work stays the first, and those that are told come before older ones.
    /// </summary>
    public Membership With(IReadOnlyList<KnownGateway> told)
    {
        var gateways = Gateways.ToList();
        foreach (var gateway in told)
        {
            var at = gateways.FindIndex(known => known.Pin == gateway.Pin);
            if (at >= 0)
                gateways[at] = gateways[at] with { Urls = Merge(gateways[at].Urls, gateway.Urls) };
            else if (gateway.Urls.Count > 0 && gateways.Count < MostGateways)
                gateways.Add(gateway);
        }
        return this with { Gateways = gateways };
    }

    /// <summary>Whether both say the same.</summary>
    public bool Says(Membership other) =>
        Name == other.Name && Gateways.Count == other.Gateways.Count
        && Gateways.Zip(other.Gateways).All(pair => pair.First.Pin == pair.Second.Pin && pair.First.Urls.SequenceEqual(pair.Second.Urls));

    private static IReadOnlyList<string> Merge(IReadOnlyList<string> known, IReadOnlyList<string> told) =>
        [.. known.Take(1).Concat(told).Concat(known).Distinct(StringComparer.Ordinal).Take(MostUrls)];

    private const int MostGateways = 64;
    private const int MostUrls = 8;

    private static InvalidDataException Damaged(string path) =>
        new($"The file '{path}' is damaged. Delete it, and admit this node anew with a token.");
}

/// <summary>The file.</summary>
sealed record SavedMembership(string? Name, IReadOnlyList<SavedGateway>? Gateways);

/// <summary>A gateway in the file.</summary>
sealed record SavedGateway(string? Pin, IReadOnlyList<string>? Urls);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(SavedMembership))]
sealed partial class MembershipJson : JsonSerializerContext;
