using Formation.Inference.Cli.Hosting;

namespace Formation.Inference.Cli.Tests.Hosting;

public sealed class ModelIdTests
{
    [Theory]
    [InlineData("formation-llm")]
    [InlineData("meta/llama-3.1-8b")]
    [InlineData("a")]
    public void An_id_is_lower_case_words_in_parts(string id) => Assert.True(ModelId.IsValid(id));

    [Theory]
    [InlineData("")]
    [InlineData("../x")]
    [InlineData("/etc/passwd")]
    [InlineData("a\0b")]
    [InlineData("..%2f")]
    [InlineData("C:\\x")]
    [InlineData("Upper")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("a/../b")]
    [InlineData("line\n")]
    [InlineData("\u202eabc")]
    [InlineData("аbc")]
    public void What_could_be_a_path_or_look_like_another_id_is_refused(string id) => Assert.False(ModelId.IsValid(id));

    [Fact]
    public void An_id_of_ten_thousand_letters_is_refused() => Assert.False(ModelId.IsValid(new string('a', 10_000)));

    [Theory]
    [InlineData("/m/SmolLM2-135M-Instruct.Q8_0.gguf", "smollm2-135m-instruct.q8_0")]
    [InlineData("/m/My Model (v2).gguf", "my-model--v2-")]
    [InlineData("/m/___.gguf", null)]
    public void A_file_name_suggests_an_id(string path, string? id) => Assert.Equal(id, ModelId.FromFileName(path));
}
