using System.Text;
using System.Text.Json;
using Formation.Inference.Gateway.Tests.Fakes;

namespace Formation.Inference.Gateway.Tests.Deployments;

public class DeploymentEndpointTests
{
    const string Root = "/formation/v1/deployments";

    [Fact]
    public async Task The_list_has_every_deployment_with_its_workers()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Transcript.Matches("deployments.json", await gateway.Client.GetStringAsync(Root));
    }

    [Fact]
    public async Task A_model_is_deployed_on_the_terms_that_were_asked_for()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await PutAsync(
            gateway, "small",
            """
            {"context":4096,"concurrency":8,"stages":2,"replicas":1,"spares":1,"pins":[{"node":"a","first":0,"last":3}],"regions":["eu"],
             "labels":["ssd"],"trusted_only":true,"kv_format":"q8_0","link_precision":"bf16"}
            """);
        Assert.Equal("loading", JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("state").GetString());
        Assert.Equivalent(
            new DeploymentTerms("small")
            {
                ContextLength = 4096,
                Concurrency = 8,
                Stages = 2,
                Replicas = 1,
                Spares = 1,
                Pins = [new LayerPin("a", 0, 3)],
                Regions = ["eu"],
                Labels = ["ssd"],
                TrustedOnly = true,
                KvFormat = "q8_0",
                LinkPrecision = "bf16",
            },
            Assert.Single(gateway.Deployments.Asked), strict: true);
    }

    [Fact]
    public async Task Without_terms_the_defaults_are_asked_for()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await PutAsync(gateway, "small", "{}");
        Assert.True(response.IsSuccessStatusCode);
        Assert.Equivalent(new DeploymentTerms("small"), Assert.Single(gateway.Deployments.Asked), strict: true);
    }

    [Fact]
    public async Task Replicas_between_two_numbers_and_an_idle_time_are_asked_for()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await PutAsync(gateway, "small", """{"replicas":{"min":2,"max":5},"idle_seconds":1800}""");
        Assert.True(response.IsSuccessStatusCode);
        Assert.Equivalent(
            new DeploymentTerms("small") { Replicas = 2, MostReplicas = 5, IdleAfter = TimeSpan.FromMinutes(30) },
            Assert.Single(gateway.Deployments.Asked), strict: true);
    }

    [Theory]
    [InlineData("\"two\"", "replicas")]
    [InlineData("0", "replicas")]
    [InlineData("1.5", "replicas")]
    [InlineData("[1,2]", "replicas")]
    [InlineData("{\"min\":1}", "replicas")]
    [InlineData("{\"min\":1,\"max\":2,\"most\":3}", "replicas")]
    [InlineData("{\"min\":0,\"max\":2}", "replicas.min")]
    [InlineData("{\"min\":3,\"max\":2}", "replicas.max")]
    public async Task Replicas_that_are_neither_a_number_nor_bounds_are_refused(string replicas, string parameter)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await PutAsync(gateway, "small", $$"""{"replicas":{{replicas}}}""");
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, response.StatusCode);
        JsonElement error = JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("error");
        Assert.Equal(parameter, error.GetProperty("param").GetString());
        Assert.Empty(gateway.Deployments.Asked);
    }

    [Fact]
    public async Task Nodes_that_share_each_layer_are_a_number_or_whatever_is_fastest()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        foreach (string value in new[] { "2", "\"auto\"", "null" })
        {
            using HttpResponseMessage response = await PutAsync(gateway, "small", $$"""{"tensor_parallel":{{value}}}""");
            Assert.True(response.IsSuccessStatusCode);
        }
        Assert.Equal([(2, false), (null, true), (null, false)], gateway.Deployments.Asked.Select(terms => (terms.TensorParallel, terms.AnyTensorParallel)));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("9")]
    [InlineData("1.5")]
    [InlineData("\"all\"")]
    [InlineData("[2]")]
    public async Task Any_other_number_of_nodes_that_share_each_layer_is_refused(string value)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await PutAsync(gateway, "small", $$"""{"tensor_parallel":{{value}}}""");
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, response.StatusCode);
        JsonElement error = JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("error");
        Assert.Equal("tensor_parallel", error.GetProperty("param").GetString());
        Assert.Empty(gateway.Deployments.Asked);
    }

    [Fact]
    public async Task What_has_no_room_is_refused_with_what_is_missing()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await PutAsync(gateway, "small", """{"stages":9}""");
        await ErrorAssert.IsErrorAsync(response, 400, "deployment_refused");
        Assert.Contains("4096 bytes", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_model_that_nobody_has_is_not_found()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await PutAsync(gateway, "nobody's", "{}");
        await ErrorAssert.IsErrorAsync(response, 404, "model_not_found");
    }

    [Theory]
    [InlineData("""{"context":1}""", "context")]
    [InlineData("""{"concurrency":0}""", "concurrency")]
    [InlineData("""{"stages":100000}""", "stages")]
    [InlineData("""{"spares":-1}""", "spares")]
    [InlineData("""{"pins":[{"node":"a"}]}""", "pins[0]")]
    [InlineData("""{"pins":[null]}""", "pins[0]")]
    [InlineData("""{"pins":[{"node":"a","first":4,"last":3}]}""", "pins[0].last")]
    [InlineData("""{"pins":[{"node":"a","first":0,"last":3,"x":1}]}""", "pins[0].x")]
    [InlineData("""{"regions":[""]}""", "regions")]
    [InlineData("""{"labels":["a\u0000"]}""", "labels")]
    [InlineData("""{"kv_format":"q4"}""", "kv_format")]
    [InlineData("""{"link_precision":"f64"}""", "link_precision")]
    [InlineData("""{"model":"other"}""", "model")]
    public async Task A_term_that_makes_no_sense_is_named(string body, string param)
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        using HttpResponseMessage response = await PutAsync(gateway, "small", body);
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Equal(param, JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("error").GetProperty("param").GetString());
        Assert.Empty(gateway.Deployments.Asked);
    }

    [Fact]
    public async Task A_deployment_is_found_and_ended_by_its_model()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        Assert.Equal("degraded", JsonElement.Parse(await gateway.Client.GetStringAsync($"{Root}/large")).GetProperty("state").GetString());
        using HttpResponseMessage removed = await gateway.Client.DeleteAsync($"{Root}/large");
        Assert.True(JsonElement.Parse(await removed.Content.ReadAsStringAsync()).GetProperty("removed").GetBoolean());
        using HttpResponseMessage gone = await gateway.Client.GetAsync($"{Root}/large");
        await ErrorAssert.IsErrorAsync(gone, 404, "deployment_not_found");
        using HttpResponseMessage again = await gateway.Client.DeleteAsync($"{Root}/large");
        await ErrorAssert.IsErrorAsync(again, 404, "deployment_not_found");
    }

    static Task<HttpResponseMessage> PutAsync(TestGateway gateway, string model, string body) => gateway.Client.PutAsync(
        $"{Root}/{Uri.EscapeDataString(model)}", new StringContent(body, Encoding.UTF8, "application/json"));
}
