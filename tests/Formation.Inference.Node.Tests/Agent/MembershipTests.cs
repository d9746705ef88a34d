using System.Security.Cryptography;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Node.Agent;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Node.Tests.Agent;

public sealed class MembershipTests : IDisposable
{
    private static readonly KeyPin One = KeyPin.FromBytes(SHA256.HashData("one"u8));
    private static readonly KeyPin Two = KeyPin.FromBytes(SHA256.HashData("two"u8));

    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_survives_the_disk()
    {
        Assert.Null(Membership.Load(_folder.Path));
        var saved = new Membership("a", [new KnownGateway(One, ["https://10.0.0.1:8081"]), new KnownGateway(Two, ["https://gw:1", "https://gw:2"])]);
        saved.Save(_folder.Path);
        Assert.True(Membership.Load(_folder.Path)!.Says(saved));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"name":"a","gateways":[]}""")]
    [InlineData("""{"name":"A!","gateways":[{"pin":"PIN","urls":["https://h:1"]}]}""")]
    [InlineData("""{"name":"a","gateways":[{"pin":"abc","urls":["https://h:1"]}]}""")]
    [InlineData("""{"name":"a","gateways":[{"pin":"PIN","urls":["http://h:1"]}]}""")]
    [InlineData("""{"name":"a","gateways":[{"pin":"PIN","urls":[]}]}""")]
    public void A_damaged_file_is_told_by_its_name(string text)
    {
        File.WriteAllText(_folder.File("membership.json"), text.Replace("PIN", One.Text));
        Assert.Contains("membership.json", Assert.Throws<InvalidDataException>(() => Membership.Load(_folder.Path)).Message);
    }

    [Fact]
    public void New_gateways_and_new_addresses_of_known_ones_are_added_and_none_is_forgotten()
    {
        var membership = new Membership("a", [new KnownGateway(One, ["https://10.0.0.1:8081"])])
            .With([new KnownGateway(One, ["https://gw:8081", "https://10.0.0.1:8081"]), new KnownGateway(Two, ["https://gw2:8081"])])
            .With([]);
        Assert.Equal([One, Two], membership.Gateways.Select(gateway => gateway.Pin));
        Assert.Equal(["https://10.0.0.1:8081", "https://gw:8081"], membership.Gateways[0].Urls);
    }

    [Fact]
    public void A_gateway_without_an_address_is_no_way_and_the_list_is_bounded()
    {
        var membership = new Membership("a", [new KnownGateway(One, ["https://10.0.0.1:8081"])]);
        Assert.Single(membership.With([new KnownGateway(Two, [])]).Gateways);
        var many = Enumerable.Range(0, 500).Select(i => new KnownGateway(KeyPin.FromBytes(SHA256.HashData(BitConverter.GetBytes(i))), [$"https://h{i}:1"]));
        Assert.InRange(membership.With([.. many]).Gateways.Count, 2, 64);
    }
}
