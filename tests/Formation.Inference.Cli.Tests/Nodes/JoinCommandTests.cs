using Formation.Inference.Cli.Hosting;
using Formation.Inference.Cli.Tests.Fakes;
using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cli.Tests.Nodes;

public sealed class JoinCommandTests
{
    [Theory]
    [InlineData("--gateway", "http://10.0.0.1:8081")]
    [InlineData("--gateway", "https://10.0.0.1:8081/path")]
    [InlineData("--token", "fs_live_0123")]
    [InlineData("--name", "My_Node")]
    [InlineData("--listen", "somewhere")]
    [InlineData("--listen", "10.0.0.1:99999")]
    [InlineData("--memory", "much")]
    public async Task A_wrong_option_names_its_value_unless_that_is_a_secret(string option, string value)
    {
        using var user = new CommandRun();
        Assert.Equal(ExitCode.WrongUsage, await user.RunAsync("node", "join", option, value));
        Assert.Contains(option, user.Error);
        if (option == "--token")
            Assert.DoesNotContain(value, user.Error);
        else
            Assert.Contains(value, user.Error);
    }

    [Fact]
    public async Task A_machine_that_is_no_node_yet_is_told_what_it_needs()
    {
        using var user = new CommandRun();
        Assert.Equal(ExitCode.WrongUsage, await user.RunAsync("node", "join", "--threads", "1"));
        Assert.Contains("form node token create", user.Error);
    }

    [Fact]
    public async Task A_gateway_that_does_not_answer_is_told_with_its_address()
    {
        using var user = new CommandRun();
        var token = JoinToken.Create(KeyPin.FromBytes(new byte[32])).Text.Value;
        Assert.Equal(ExitCode.ServerNotReachable, await user.RunAsync("node", "join", "--gateway", "https://127.0.0.1:1", "--token", token, "--threads", "1"));
        Assert.Contains("https://127.0.0.1:1", user.Error);
        Assert.DoesNotContain(token, user.Error);
    }

    [Fact]
    public async Task Another_gateway_than_the_token_names_is_not_trusted()
    {
        await using var gateway = await TestControlPlane.StartAsync();
        using var user = new CommandRun();
        var token = JoinToken.Create(KeyPin.FromBytes(new byte[32])).Text.Value;
        Assert.Equal(ExitCode.NotAuthorised, await user.RunAsync("node", "join", "--gateway", gateway.Url.ToString(), "--token", token, "--threads", "1"));
        Assert.Contains("not trusted", user.Error);
    }

    [Theory]
    [InlineData("http://127.0.0.1:8080", "127.0.0.1", 8081, true)]
    [InlineData("http://localhost:8080", "127.0.0.1", 8081, true)]
    [InlineData("http://0.0.0.0:80;http://127.0.0.1:9", "0.0.0.0", 81, true)]
    [InlineData("http://[::1]:8080", "::1", 8081, true)]
    [InlineData("http://127.0.0.1:0", "127.0.0.1", 0, true)]
    [InlineData("http://127.0.0.1:65535", "127.0.0.1", 0, true)]
    public void Nodes_dial_in_beside_the_clients_where_nothing_else_is_said(string urls, string address, int port, bool isDefault)
    {
        var listen = ClusterListen.Parse(null, ListenAddresses.Parse(urls))!;
        Assert.Equal((address, port, isDefault), (listen.Endpoint.Address.ToString(), listen.Endpoint.Port, listen.IsDefault));
    }

    [Fact]
    public void A_given_address_is_taken_and_off_is_none()
    {
        var addresses = ListenAddresses.Parse("http://127.0.0.1:8080");
        Assert.Null(ClusterListen.Parse("off", addresses));
        var listen = ClusterListen.Parse("0.0.0.0:9000", addresses)!;
        Assert.Equal("0.0.0.0:9000", listen.Endpoint.ToString());
        Assert.False(listen.IsDefault);
        Assert.Equal(9000, ClusterListen.Parse("9000", addresses)!.Endpoint.Port);
        Assert.Equal("[::]:9000", ClusterListen.Parse("[::]:9000", addresses)!.Endpoint.ToString());
    }
}
