using System.Net;
using System.Net.Sockets;
using System.Text;
using Formation.Inference.Gateway.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Formation.Inference.Gateway.Tests.Limits;

public class ShutdownTests
{
    [Fact]
    public async Task What_runs_is_finished_and_what_comes_is_turned_away()
    {
        await using TestGateway gateway = await TestGateway.StartAsync();
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Backend.Script = (request, token) => FinishOnAsync(finish);
        using HttpResponseMessage running = await gateway.ChatAsync(""","stream":true""");

        // A connection that was open before the stop, and sends its request after it.
        using var socket = new TcpClient();
        await socket.ConnectAsync(gateway.Url.Host, gateway.Url.Port);
        byte[] request = Encoding.ASCII.GetBytes(
            $"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TestGateway.OperatorKey}\r\n\r\n");
        await socket.GetStream().WriteAsync(request.AsMemory(0, request.Length - 2));

        var stopping = new TaskCompletionSource();
        gateway.App.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(stopping.SetResult);
        Task stopped = gateway.App.StopAsync();
        await stopping.Task;
        await socket.GetStream().WriteAsync("\r\n"u8.ToArray());
        var answer = new MemoryStream();
        await socket.GetStream().CopyToAsync(answer);
        string text = Encoding.UTF8.GetString(answer.ToArray());

        // Depending on who is first, the server says 503 or has closed the connection; it never serves the request.
        Assert.True(text.Length == 0 || text.StartsWith("HTTP/1.1 503", StringComparison.Ordinal), text);
        Assert.False(stopped.IsCompleted);
        finish.SetResult();
        Assert.EndsWith("data: [DONE]\n\n", await running.Content.ReadAsStringAsync());
        await stopped;
    }

    [Fact]
    public async Task What_runs_too_long_is_cut_off_and_cancelled()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(options => options with { ShutdownTimeout = TimeSpan.FromMilliseconds(300) });
        gateway.Backend.Script = Scripts.ThenWait(new GenerationStarted(1));
        using HttpResponseMessage running = await gateway.ChatAsync(""","stream":true""");
        Assert.Equal(HttpStatusCode.OK, running.StatusCode);
        await gateway.App.StopAsync();
        await gateway.Backend.Cancelled.Task;
        await Assert.ThrowsAnyAsync<Exception>(() => running.Content.ReadAsStringAsync());
    }

    static async IAsyncEnumerable<GenerationEvent> FinishOnAsync(TaskCompletionSource finish)
    {
        yield return new GenerationStarted(1);
        await finish.Task;
        yield return new GenerationFinished(0, FinishReason.Stop, 0);
    }
}
